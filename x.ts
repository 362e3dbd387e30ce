import { callSitesOf, pythonParser } from './test/unit/callsites/parser.ts';
const text = ['def check(unleash):', '\tif unleash.is_enabled(', '\t\t"a",', '\t\t{},', '\t):', '\t\treturn unleash.get_variant(feature_name="b")', ''].join('\r');
const t=(await pythonParser()).parse(text) as any; console.log(t.tree.rootNode.toString());
console.log((await callSitesOf(text)).length);
