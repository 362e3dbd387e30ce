/** VS Code language identifiers of the documents in which call sites are found. */
export const PYTHON_DOCUMENTS: readonly string[] = ['python'];
export const TYPESCRIPT_DOCUMENTS: readonly string[] = ['typescript', 'typescriptreact', 'javascript', 'javascriptreact'];
export const CALL_SITE_DOCUMENTS: readonly string[] = [...PYTHON_DOCUMENTS, ...TYPESCRIPT_DOCUMENTS];
