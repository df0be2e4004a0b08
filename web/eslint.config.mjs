// What no line of the sources may do; types are asked, too.
import js from "@eslint/js";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["build/", "node_modules/"] },
  js.configs.recommended,
  { files: ["**/*.ts"], extends: [ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked] },
  { files: ["**/*.ts"], languageOptions: { parserOptions: { projectService: true } } },
  {
    files: ["**/*.ts"],
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Values of a policy: a page's texts come from files of others.
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Texts come from specs of others: make elements." },
        { property: "outerHTML", message: "Texts come from specs of others: make elements." },
      ],
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "localStorage", "eval"],
      // node:test gives promises that it awaits itself.
      "@typescript-eslint/no-floating-promises": [
        "error",
        { allowForKnownSafeCalls: [{ from: "package", package: "node:test", name: ["test"] }] },
      ],
    },
  },
  { files: ["*.mjs"], languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } } },
);
