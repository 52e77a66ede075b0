/** The page of the payment service, in a tab of its own. */
import { MessageError } from "../common/messages.js";
import { isAllowedUrl } from "../common/settings.js";

/** Opens the address that the API named. Throws MessageError for one that the extension itself would not connect to. */
export async function openCheckout(address) {
  if (!URL.canParse(address) || !isAllowedUrl(new URL(address))) {
    throw new MessageError({ code: "unsafe_address", message: "The address of the payment page is neither https nor on this machine." });
  }
  await chrome.tabs.create({ url: address });
}
