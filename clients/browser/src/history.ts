/** The caller's transcripts: list, read, rename, export and delete them. */
import type { operations, Schema } from "./contract.js";
import { NotFoundError } from "./errors.js";
import type { RequestOptions, Requests } from "./requests.js";

export type HistoryFilter = Omit<NonNullable<operations["history"]["parameters"]["query"]>, "cursor">;
export type ExportFormat = "srt" | "vtt" | "txt" | "json";
export type Transcript = Schema<"TranscriptDetail">;

/** A file to save: its name as the API proposes it, and its content. */
export interface ExportedFile {
  name: string;
  content: Blob;
}

export class History {
  constructor(private readonly requests: Requests) {}

  /** All transcripts, newest first; pages are requested as they are needed. */
  list(filter: HistoryFilter = {}, options: RequestOptions = {}): AsyncGenerator<Schema<"HistoryItem">> {
    return this.#pages("history", filter, options);
  }

  /**
   * The transcripts with all of these words and "quoted phrases", newest first, each with its first moment. The API reads a
   * bounded part of the history for each answer, so that the first result may take several of them.
   */
  search(words: string, filter: { limit?: number } = {}, options: RequestOptions = {}): AsyncGenerator<Schema<"SearchResult">> {
    return this.#pages("search", { ...filter, q: words }, options);
  }

  /** A transcript with all of its segments, however many answers they take. */
  async get(transcriptId: string, options: RequestOptions = {}): Promise<Transcript> {
    let whole: Transcript | undefined;
    let cursor: string | null | undefined;
    do {
      const page: Transcript = await this.requests.json({ method: "GET", path: pathOf(transcriptId), query: { cursor }, ...options });
      if (whole) whole.segments.push(...page.segments);
      else whole = page;
      cursor = page.next_cursor;
    } while (cursor);
    return whole;
  }

  /** Changes the title; an empty one removes it. */
  async rename(transcriptId: string, title: string, options: RequestOptions = {}): Promise<void> {
    await this.requests.send({ method: "PATCH", path: pathOf(transcriptId), body: { title }, ...options });
  }

  /** Shares a transcript: anyone who has the address can read it. A transcript has one address: an earlier one ends. */
  share(transcriptId: string, options: RequestOptions = {}): Promise<Schema<"SharedAddress">> {
    return this.requests.json({ method: "POST", path: sharePath(transcriptId), ...options });
  }

  /** Ends the share of a transcript, if there is one: its address leads nowhere at once. */
  async endShare(transcriptId: string, options: RequestOptions = {}): Promise<void> {
    await this.requests.send({ method: "DELETE", path: sharePath(transcriptId), ...options });
  }

  /** Deletes a transcript, unless it is deleted already. Throws ConflictError while its session or a catch-up of it runs. */
  async delete(transcriptId: string, options: RequestOptions = {}): Promise<void> {
    try {
      await this.requests.send({ method: "DELETE", path: pathOf(transcriptId), ...options });
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error; // an earlier try, whose answer was lost, deleted it
    }
  }

  /** A transcript as a file to save. */
  async exportFile(transcriptId: string, format: ExportFormat, options: RequestOptions = {}): Promise<ExportedFile> {
    const path = `${pathOf(transcriptId)}/export`;
    const { headers, content } = await this.requests.send({ method: "GET", path, query: { format }, isFile: true, ...options });
    const name = fileName(headers.get("Content-Disposition") ?? "") ?? `transcript.${format}`;
    return { name, content: content as Blob };
  }

  async *#pages<Item>(name: string, filter: object, options: RequestOptions): AsyncGenerator<Item> {
    let cursor: string | null | undefined;
    do {
      const query = { ...filter, cursor };
      const page = await this.requests.json<{ items: Item[]; next_cursor: string | null }>({
        method: "GET",
        path: `/transcription/${name}`,
        query,
        ...options,
      });
      yield* page.items;
      cursor = page.next_cursor;
    } while (cursor);
  }
}

function sharePath(transcriptId: string): string {
  return `${pathOf(transcriptId)}/share`;
}

function pathOf(transcriptId: string): string {
  return `/transcription/history/${encodeURIComponent(transcriptId)}`;
}

/** The name in a Content-Disposition: that in UTF-8 (RFC 6266), or the plain one. */
function fileName(disposition: string): string | undefined {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1];
  try {
    if (encoded !== undefined) return decodeURIComponent(encoded);
  } catch {
    // it is no UTF-8: the plain name serves
  }
  return /filename="([^"]+)"/i.exec(disposition)?.[1];
}
