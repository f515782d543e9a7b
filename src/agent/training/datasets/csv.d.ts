// A CSV imported `with { type: "text" }` is its text, embedded in the compiled binary.
declare module "*.csv" {
  const text: string;
  export default text;
}
