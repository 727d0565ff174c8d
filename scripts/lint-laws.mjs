import { checkDetached } from './laws/detached.mjs';
import { checkFolders } from './laws/folders.mjs';
import { checkArrows, checkBarrels } from './laws/imports.mjs';
import { checkSkippedTests } from './laws/skipped-tests.mjs';
import { sourceFiles } from './laws/source-files.mjs';

const CHECKS = [checkArrows, checkBarrels, checkFolders, checkDetached, checkSkippedTests];

/** The laws that oxlint has no rule for. Usage: node scripts/lint-laws.mjs [root] */
const root = process.argv[2] ?? process.cwd();
const files = sourceFiles(root);
const problems = files.flatMap((file) => CHECKS.flatMap((check) => check(file)));
for (const problem of problems) console.error(problem);
console.log(`laws: ${files.length} files, ${problems.length} problems`);
process.exitCode = problems.length > 0 || files.length === 0 ? 1 : 0;
