// Asks @snyk/github-codeowners who owns files. Standard input: {"cases": [{"text": "…", "paths": ["…"]}]}; standard output: for each
// case the list of owners of each path. The first argument is the folder of node_modules.
const fs = require("fs");
const os = require("os");
const path = require("path");
const engine = path.join(process.argv[2], "@snyk/github-codeowners/dist/lib/ownership/OwnershipEngine.js");
const { OwnershipEngine } = require(engine);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "codeowners-"));
const file = path.join(folder, "CODEOWNERS");
const answer = ({ text, paths }) => {
  fs.writeFileSync(file, text);
  const owners = OwnershipEngine.FromCodeownersFile(file);
  return paths.map((one) => owners.calcFileOwnership(one));
};
const { cases } = JSON.parse(fs.readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(cases.map(answer)));
fs.rmSync(folder, { recursive: true });
