/** Our on-chain programs: their bytes, and putting them on a chain. */
export { type Cluster, type Deployment, type DeployOptions, type DeployOutcome, deployProgram } from "./deploy.ts";
export { jobEscrowImage } from "./images.ts";
export { programDataAddress, UPGRADEABLE_LOADER } from "./loader.ts";
