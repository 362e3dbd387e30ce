/** Random Python programs full of switches, the same for the same seed. They end, and print all that they do. */

/** Mulberry32: small, and good enough to pick alternatives. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[this.below(from.length)] ?? from[0];
  }

  chance(share: number): boolean {
    return this.next() < share;
  }
}

const HEAD = `import json
from math import floor, sqrt

from UnleashClient import UnleashClient

client = UnleashClient(url="http://unleash/api", app_name="app")
NEW_MODEL = "new-model"
LIMIT = 3


def enabled(key, user=None):
    return client.is_enabled(key, {"userId": user})


def disabled(key):
    return not enabled(key, user="7")


def use_new():
    return enabled(NEW_MODEL)


class Flag:
    def __init__(self, key):
        self.key = key

    def active(self):
        return enabled(self.key)


NEW_FLAG = Flag("new-model")


def t(name, value):
    print("t", name, value)
    return value


`;

const INDENTATIONS = ['    ', '  ', '\t'] as const;

class Writer {
  readonly #random: Random;
  readonly #unit: string;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#unit = random.pick([...INDENTATIONS]);
  }

  /** The call of the flag, in one of the ways to write it. */
  flag(): string {
    return this.#random.pick([
      'client.is_enabled("new-model")', 'client.is_enabled(NEW_MODEL)', "client.is_enabled('new-model', {'userId': str(a)})", 'client.is_enabled(feature_name=NEW_MODEL, context={"a": a})',
      'client.is_enabled(\n            "new-model",\n            {"a": b},\n        )', 'client.is_enabled("new-model", fallback_function=lambda name, context: True)',
      'enabled("new-model")', 'enabled(user=a, key=NEW_MODEL)', '(not disabled("new-model"))', 'use_new()', 'NEW_FLAG.active()',
    ]);
  }

  #leaf(): string {
    const value = this.#random.pick(['a', 'b', 'not c', '""', '0']);
    return this.#random.pick([
      this.flag(), this.flag(), 'a', 'b', 'c', `t(${this.#next()}, ${value})`, 'True', 'None', '1', '""', 'LIMIT', 'floor(2.5)', 'sqrt(4)', 'json.dumps(a)', 'client.is_enabled("other")', 'disabled("other")',
    ]);
  }

  /** An expression whose lines, if there are several, are inside brackets. */
  expression(depth: number): string {
    const random = this.#random;
    if (depth <= 0) return this.#leaf();
    const inner = (): string => this.expression(depth - 1 - random.below(2));
    const forms: [() => string, ...(() => string)[]] = [
      () => `${this.#operand(inner())} and ${this.#operand(inner())}`,
      () => `${this.#operand(inner())} or ${this.#operand(inner())}`,
      () => `not ${this.#operand(inner())}`,
      () => `(${inner()} and ${inner()} or ${inner()})`,
      () => `(${inner()} if ${inner()} else ${inner()})`,
      () => `(\n        ${inner()}\n        ${random.pick(['and', 'or'])} ${inner()}\n    )`,
      () => `${this.#operand(inner())} ${random.pick(['is', 'is not', '==', '!='])} ${random.pick(['True', 'False', 'None'])}`,
      () => `bool(${inner()})`,
      () => `t(${this.#next()}, ${inner()})`,
      () => `[${inner()}, ${inner()}]`,
      () => `(lambda: ${inner()})()`,
      () => `[x for x in range(2) if ${inner()}]`,
      () => `{"k": ${inner()}}["k"]`,
    ];
    return random.pick(forms)();
  }

  block(depth: number, indentation: string, inLoop: boolean): string {
    const count = 1 + this.#random.below(3);
    return Array.from({ length: count }, () => this.statement(depth, indentation, inLoop)).join('');
  }

  statement(depth: number, indentation: string, inLoop: boolean): string {
    const random = this.#random;
    const expression = (): string => this.expression(random.below(3));
    const body = (loop = inLoop): string => this.block(depth - 1, indentation + this.#unit, loop);
    const line = (text: string): string => `${indentation}${text}${random.chance(0.1) ? `  # comment ${this.#next()}` : ''}\n`;
    const simple: [() => string, ...(() => string)[]] = [
      () => line(`print(${this.#next()}, a, b, c)`),
      () => line(`${random.pick(['a', 'b', 'c'])} = ${expression()}`),
      () => line(`t(${this.#next()}, ${expression()})`),
      () => line(expression()),
      () => line(`return ${expression()}`),
      () => line(`assert ${expression()}, "assertion ${this.#next()}"`),
      () => line(`d${this.#next()} = ${expression()}; print(${this.#next()})`),
      () => (inLoop ? line(random.pick(['continue', 'break'])) : line('pass')),
      () => `${indentation}# comment ${this.#next()}\n${line(`print("""\n  text ${this.#next()}\n""", a)`)}`,
      () => line(`print(f"{${random.pick(['a', 'b', 'c'])}} {t(${this.#next()}, b)}")`),
    ];
    if (depth <= 0) return random.pick(simple)();
    const condition = (): string => (random.chance(0.5) ? this.#operandOfFlag() : expression());
    return random.pick([
      ...simple,
      () => `${indentation}if ${condition()}:\n${body()}`,
      () => `${indentation}if ${condition()}:\n${body()}${indentation}else:\n${body()}`,
      () => `${indentation}if ${condition()}:\n${body()}${indentation}elif ${condition()}:\n${body()}${random.chance(0.5) ? `${indentation}else:\n${body()}` : ''}`,
      () => `${indentation}if ${condition()}:\n${body()}${indentation}elif ${condition()}:\n${body()}${indentation}elif ${condition()}:\n${body()}${indentation}else:\n${body()}`,
      () => `${indentation}if ${condition()}: print(${this.#next()})\n`,
      () => this.#variable(indentation, depth),
      () => `${indentation}for i in range(2):\n${body(true)}${random.chance(0.3) ? `${indentation}else:\n${body()}` : ''}`,
      () => {
        const counter = `n${this.#next()}`;
        return `${indentation}${counter} = 0\n${indentation}while ${counter} < 2 and ${this.#operand(condition())}:\n${indentation}${this.#unit}${counter} += 1\n${body(true)}`;
      },
      () => `${indentation}try:\n${body()}${indentation}except AssertionError as error:\n${indentation}${this.#unit}print("caught", error)\n${random.chance(0.3) ? `${indentation}finally:\n${indentation}${this.#unit}print("finally")\n` : ''}`,
      () => `${indentation}match ${random.pick(['a', this.flag()])}:\n${indentation}${this.#unit}case True:\n${this.block(depth - 1, indentation + this.#unit.repeat(2), inLoop)}${indentation}${this.#unit}case _ if ${condition()}:\n${this.block(depth - 1, indentation + this.#unit.repeat(2), inLoop)}`,
      () => `${indentation}def g${this.#next()}(x=${expression()}):\n${this.block(depth - 1, indentation + this.#unit, false)}${indentation}print("defined")\n`,
    ])();
  }

  /** A variable that holds the answer, and code that uses it. */
  #variable(indentation: string, depth: number): string {
    const name = `use_${this.#next()}`;
    const not = this.#random.chance(0.3) ? 'not ' : '';
    const uses = this.#random.pick([`if ${name} and a:`, `if not ${name}:`, `if ${name} or t(${this.#next()}, b):`]);
    const again = this.#random.chance(0.2) ? `${indentation}${name} = not ${name}\n` : '';
    return `${indentation}${name} = ${not}${this.flag()}\n${again}${indentation}${uses}\n${this.block(depth - 1, indentation + this.#unit, false)}${indentation}print(${name}, a)\n`;
  }

  #operandOfFlag(): string {
    return this.#random.pick([this.flag(), `not ${this.flag()}`, `${this.flag()} and a`, `b or ${this.flag()}`, `c and ${this.flag()}`, `t(${this.#next()}, a) and ${this.flag()}`]);
  }

  #operand(text: string): string {
    return /^[\w.]+(?:\([^()]*\))?$/.test(text) || text.startsWith('client') ? text : `(${text})`;
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}

/** A program with one function of random statements that is called with several values. */
export function randomProgram(seed: number): string {
  const random = new Random(seed);
  const writer = new Writer(random);
  const body = writer.block(1 + random.below(3), '    ', false);
  return `${HEAD}def f(a, b, c):\n    print("f", a, b, c)\n${body}    return a\n\n\nfor a, b, c in ((True, "b", 0), (False, "", 1), (2, "x", True)):\n    try:\n        print(f(a, b, c))\n    except (AssertionError, TypeError, UnboundLocalError) as error:\n        print(type(error).__name__)\n`;
}
