/** Programs are bundled as files: `import path from "./x.so" with { type: "file" }` gives where the file is, in the binary too. */
declare module "*.so" {
  const path: string;
  export default path;
}
