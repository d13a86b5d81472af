// Questions before something is done. The browser's own dialogs keep the focus inside, and give it
// back.

import { make, problem, replace } from "./dom.js";

let number = 0;

/// - Parameters:
///   - confirm: the text of the button that does it; `undefined`: there is nothing to do but close.
///   - act: does it; where it throws, that is told and the dialog stays.
/// - Returns: what `act` gave, or `undefined` where it was not done.
export function ask(title, content, { confirm, isDangerous, act, onOpen } = {}) {
  number += 1;
  const id = `dialog-${number}`;
  const said = make("div");
  const cancel = make("button", { type: "button", value: "" }, confirm ? "Cancel" : "Close");
  const go = confirm
    ? make("button", { type: "button", class: isDangerous ? "danger" : "primary" }, confirm) : undefined;
  const dialog = make("dialog", { "aria-labelledby": id },
    make("h2", { id }, title), content, said, make("div", { class: "actions" }, cancel, go));
  document.body.append(dialog);
  return new Promise((resolve) => {
    let result;
    dialog.addEventListener("close", () => { dialog.remove(); resolve(result); });
    cancel.addEventListener("click", () => dialog.close());
    go?.addEventListener("click", async () => {
      go.disabled = true;
      replace(said);
      try {
        result = (await act?.()) ?? true;
        dialog.close();
      } catch (error) {
        replace(said, problem(error));
        go.disabled = false;
      }
    });
    dialog.showModal();
    (dialog.querySelector("[autofocus]") ?? cancel).focus();
    onOpen?.({ dialog, go });
  });
}
