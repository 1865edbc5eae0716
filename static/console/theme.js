// What the theme's templates name in their attributes. Alpine's strict build reads expressions by itself and knows
// nothing that no component gives it: no globals, no arrow functions, no statements.
const place = {
  get pathname() { return location.pathname; },
  get search() { return location.search; },
  get hash() { return location.hash; },
  set href(to) { location.assign(to); },
};

function screenParts(firstTab) {
  const kept = localStorage.getItem("sidebarDesktopOpen");
  return {
    activeTab: firstTab && (getCurrentTab() || firstTab),
    sidebarMobileOpen: false,
    sidebarDesktopOpen: kept === null || kept === "1",
    window: { location: place },
    init() {
      this.$watch("sidebarDesktopOpen", (open) => localStorage.setItem("sidebarDesktopOpen", open ? "1" : "0"));
    },
  };
}

document.addEventListener("alpine:init", () => {
  Alpine.data("theme", theme);
  Alpine.data("screen", screenParts);
  Alpine.data("searchForm", searchForm);
  Alpine.data("searchCommand", searchCommand);
});
