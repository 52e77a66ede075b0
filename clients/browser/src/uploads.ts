/** Uploads a recording, with progress. */
import type { Schema } from "./contract.js";
import type { Environment } from "./environment.js";
import { AbortedError, NetworkError, TooLargeFileError } from "./errors.js";
import type { Requests } from "./requests.js";

export interface ProgressOptions {
  /** Gets the part that is done, from 0 to 1. */
  onProgress?: (progress: number) => void;
  signal?: AbortSignal;
}

/** Sends a multipart form. Resolves with the status; rejects where the network failed or `signal` was aborted. */
export type SendForm = (url: string, form: FormData, options: ProgressOptions) => Promise<number>;

/** Uploads a recording; returns the `upload_id` for a catch-up. Throws ApiError, NetworkError, AbortedError. */
export async function upload(
  requests: Requests,
  file: Blob,
  options: ProgressOptions = {},
  sendForm: SendForm = defaultSendForm(requests),
): Promise<string> {
  const body = { content_type: file.type };
  const signal = options.signal;
  const path = "/transcription/uploads";
  const form = await requests.json<Schema<"Upload">>({ method: "POST", path, body, signal });
  if (file.size > form.max_bytes) throw new TooLargeFileError(form.max_bytes);
  const data = new FormData();
  for (const [name, value] of Object.entries(form.fields)) data.append(name, value);
  data.append("file", file); // last: what follows the file is not read
  const status = await sendForm(form.url, data, options);
  if (status >= 300) throw new NetworkError(`The upload was refused (${status}). Start it again.`);
  options.onProgress?.(1);
  return form.upload_id;
}

/** A page reports progress; a service worker has no XMLHttpRequest, so it reports only the end. */
function defaultSendForm({ environment }: Requests): SendForm {
  return typeof XMLHttpRequest === "undefined" ? fetchForm : (url, form, options) => requestForm(environment, url, form, options);

  async function fetchForm(url: string, form: FormData, { signal }: ProgressOptions): Promise<number> {
    try {
      return (await environment.fetch(url, { method: "POST", body: form, ...(signal && { signal }) })).status;
    } catch (error) {
      if (signal?.aborted) throw new AbortedError();
      throw new NetworkError("The upload failed. Start it again.", { cause: error });
    }
  }
}

/** An upload that makes no progress for so long is given up. */
const STALL_MS = 60_000;

function requestForm(environment: Environment, url: string, form: FormData, { onProgress, signal }: ProgressOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new AbortedError());
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    const giveUp = (): void => {
      reject(new NetworkError("The upload makes no progress. Start it again."));
      abort();
    };
    let timer = environment.setTimer(giveUp, STALL_MS);
    request.open("POST", url);
    request.upload.onprogress = ({ loaded, total }) => {
      environment.clearTimer(timer);
      timer = environment.setTimer(giveUp, STALL_MS);
      onProgress?.(total ? loaded / total : 0);
    };
    request.onload = () => resolve(request.status);
    request.onerror = () => reject(new NetworkError("The upload failed. Start it again."));
    request.onabort = () => reject(new AbortedError());
    request.onloadend = () => {
      environment.clearTimer(timer);
      signal?.removeEventListener("abort", abort);
    };
    signal?.addEventListener("abort", abort);
    request.send(form);
  });
}
