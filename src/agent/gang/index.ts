/** Gangs: several nodes that train one model together. docs/gangs.md is the contract. */
export { type Gang, GangError, type GangTimes } from "./gang.ts";
export { Gangs } from "./gangs.ts";
export { type GangRole, gangRoleOf } from "./role.ts";
