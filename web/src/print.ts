// When a page is printed: what is shown then is whole, and as it was again afterwards.

/** Told that a page goes to paper, and that it is back on the screen; once each. */
export function onPrint(act: (on: boolean) => void): void {
  let printing = false;
  const turned = (on: boolean): void => {
    if (on === printing) return; // browsers say it in two ways, some of them in one
    printing = on;
    act(on);
  };
  addEventListener("beforeprint", () => { turned(true); });
  addEventListener("afterprint", () => { turned(false); });
  matchMedia("print").addEventListener("change", (event) => { turned(event.matches); });
}

/** Open what is folded away in details, where paper has it, and fold it again. */
export function detailsArePrinted(): void {
  let opened: HTMLDetailsElement[] = [];
  onPrint((on) => {
    if (on) opened = [...document.querySelectorAll<HTMLDetailsElement>("details:not(.licences):not([open])")];
    for (const each of opened) each.open = on;
  });
}
