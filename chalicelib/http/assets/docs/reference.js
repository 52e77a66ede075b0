// The reference: Swagger UI over the contract beside this page. A token typed in here stays in the page's memory.
window.ui = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  defaultModelExpandDepth: 3,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  queryConfigEnabled: false,
  syntaxHighlight: { activated: true },
});

// Light or dark, as the system is.
const system = matchMedia("(prefers-color-scheme: dark)");
const setTheme = () => document.documentElement.classList.toggle("dark-mode", system.matches);
system.addEventListener("change", setTheme);
setTheme();

const REGIONS = {
  ".information-container": "About this API",
  ".schemes-server-container": "Server and sign-in",
  ".filter-container": "Filter",
};

// What Swagger UI leaves out for people who use a keyboard or a screen reader, whenever it has drawn something.
function repair() {
  // A link within a button is reached twice; the button opens the same operation, and the address follows.
  for (const link of document.querySelectorAll(".opblock-summary-control a[href]")) link.removeAttribute("href");
  // What stands outside Swagger UI's own <main>.
  for (const [part, name] of Object.entries(REGIONS)) {
    const region = document.querySelector(part);
    region?.setAttribute("role", "region");
    region?.setAttribute("aria-label", name);
  }
  for (const heading of document.querySelectorAll("h3.opblock-tag, .models > h4")) heading.setAttribute("aria-level", "2");
  for (const heading of document.querySelectorAll(".opblock h4")) heading.setAttribute("aria-level", "3");
  for (const heading of document.querySelectorAll(".opblock h5")) heading.setAttribute("aria-level", "4");
  for (const select of document.querySelectorAll("select:not([aria-label])")) {
    const name = select.id === "servers" ? "Server" : select.closest(".examples-select") ? "Example" : "Media type or value";
    select.setAttribute("aria-label", name);
  }
}
new MutationObserver(repair).observe(document.getElementById("reference"), { childList: true, subtree: true });
