/** The balance, buying credits, and what was used. */
import type { operations, Schema } from "./contract.js";
import { sleep } from "./environment.js";
import { ApiError, isAccountEnded, isDecided, retryAfterMs } from "./errors.js";
import { POLL_TRIES, pollUntil, untilNextLook } from "./polling.js";
import type { RequestOptions, Requests } from "./requests.js";

export type Balance = Schema<"CreditBalance">;
export type Purchase = Schema<"PurchaseItem">;

export interface BuyOptions extends RequestOptions {
  packageId: string;
  /** Opens the checkout for the buyer, such as in a new tab. A popup closes then: keep the id for `waitForPurchase`. */
  open: (checkoutUrl: string, purchaseId: string) => void | Promise<void>;
  /** Gets the purchase when its credits came. */
  onPaid?: (purchase: Purchase) => void;
  successUrl?: string;
  cancelUrl?: string;
}

const PURCHASE_POLL_MS = 3_000;
const BALANCE_POLL_SECONDS = 15;

export class Credits {
  constructor(private readonly requests: Requests) {}

  balance(options: RequestOptions = {}): Promise<Balance> {
    return this.requests.json({ method: "GET", path: "/credits/balance", ...options });
  }

  /** What can be bought, cheapest first. */
  async packages(options: RequestOptions = {}): Promise<Schema<"CreditPackage">[]> {
    const call = { method: "GET", path: "/credits/packages", ...options } as const;
    return (await this.requests.json<Schema<"Packages">>(call)).packages;
  }

  /** What the caller used by day and service. */
  usage(query: operations["usage"]["parameters"]["query"] = {}, options: RequestOptions = {}): Promise<Schema<"Usage">> {
    return this.requests.json({ method: "GET", path: "/analytics/usage", query, ...options });
  }

  /**
   * Calls `listener` with the balance at once and after each change. Show a person `available + held`: what running
   * sessions hold is still theirs. A hidden page asks less often, and at once when it is shown. Returns what ends the calls;
   * a sign-out ends them too.
   */
  watch(listener: (balance: Balance) => void, { pollSeconds = BALANCE_POLL_SECONDS } = {}): () => void {
    const controller = new AbortController();
    void this.#watch(listener, pollSeconds * 1000, controller.signal);
    return () => controller.abort();
  }

  /**
   * Buys a package: opens the checkout, and resolves when the purchase is paid, failed or expired, also over a lost network.
   * Throws ApiError, NetworkError, AbortedError: an abort ends the wait, not the purchase.
   */
  async buy({ packageId, open, onPaid, successUrl, cancelUrl, ...options }: BuyOptions): Promise<Purchase> {
    const body = { package_id: packageId, success_url: successUrl, cancel_url: cancelUrl };
    const path = "/credits/purchase";
    const checkout = await this.requests.json<Schema<"Checkout">>({ method: "POST", path, body, ...options });
    await open(checkout.checkout_url, checkout.purchase_id);
    return this.waitForPurchase(checkout.purchase_id, { onPaid, signal: options.signal });
  }

  /** Waits until a purchase is paid, failed or expired, such as that of a popup which was closed. Throws as `buy` does. */
  async waitForPurchase(purchaseId: string, { onPaid, signal }: Pick<BuyOptions, "onPaid" | "signal"> = {}): Promise<Purchase> {
    const ask = (): Promise<Purchase> => this.purchase(purchaseId, { signal, tries: POLL_TRIES });
    const isDone = ({ state }: Purchase): boolean => state !== "open" && state !== "pending";
    const purchase = await pollUntil(this.requests.environment, ask, isDone, PURCHASE_POLL_MS, signal);
    if (purchase.credits_added > 0) onPaid?.(purchase);
    return purchase;
  }

  purchase(purchaseId: string, options: RequestOptions = {}): Promise<Purchase> {
    const route = "/credits/purchases/{purchase_id}";
    return this.requests.json({ method: "GET", path: `/credits/purchases/${encodeURIComponent(purchaseId)}`, route, ...options });
  }

  async #watch(listener: (balance: Balance) => void, pollMs: number, signal: AbortSignal): Promise<void> {
    let shown = "";
    while (!signal.aborted) {
      try {
        const balance = await this.balance({ signal });
        const changed = JSON.stringify(balance);
        const isNew = changed !== shown && !signal.aborted;
        shown = changed;
        if (isNew) listener(balance);
      } catch (error) {
        if (isAccountEnded(error)) return;
        if (!signal.aborted && isDecided(error) && !(error instanceof ApiError)) console.error(error); // the listener's own
        await sleep(this.requests.environment, retryAfterMs(error), signal);
      }
      await untilNextLook(this.requests.environment, pollMs, signal);
    }
  }
}
