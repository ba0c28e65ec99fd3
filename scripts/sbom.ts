import { billOfMaterials } from './bill-of-materials.ts';
import { repositoryRoot } from './workspace.ts';

// Prints the software bill of materials: `npm run -s sbom > tenon.cdx.json`.
console.log(JSON.stringify(billOfMaterials(repositoryRoot), null, 2));
