/** The browser SDK of the live-transcription backend. */
import { registerWorklet } from "./audio/worklet.js";

export { AudioCapture, captureAudio, captureMicrophone, type CaptureOptions, type CaptureSource, type CaptureSources, captureTab, tabStreamId } from "./audio/capture.js";
export { FrameMaker } from "./audio/frame_maker.js";
export { Resampler } from "./audio/resampler.js";
export { Auth, type SignedInUser, type SignOutReason } from "./auth.js";
export { Catchups, type CatchupJob, type CatchupOptions } from "./catchup.js";
export { Client, createClient, type ClientOptions } from "./client.js";
export type { Answer, components, ErrorCode, ErrorReason, Method, operations, PathOf, paths, RouteInput, Schema } from "./contract.js";
export { type Balance, type BuyOptions, Credits, type Purchase } from "./credits.js";
export { defaultEnvironment, type Environment, type Locks, type SocketLike } from "./environment.js";
export * from "./errors.js";
export { type ExportedFile, type ExportFormat, History, type HistoryFilter, type Transcript } from "./history.js";
export { Live, type OpenSession, type UnsavedCaptions } from "./live/live.js";
export type { Caption, EndReason, LiveEvents, LiveState, WarningCode } from "./live/live_events.js";
export type { LiveOptions } from "./live/live_options.js";
export { LiveSession } from "./live/live_session.js";
export type { RequestOptions } from "./requests.js";
export { bridgeStorage, chromeStorage, type KeyValueStorage, memoryStorage, serveStorage } from "./storage.js";
export { type Segment, Stream } from "./stream.js";
export { type ProgressOptions, type SendForm, upload } from "./uploads.js";

registerWorklet(); // the same file is the audio worklet
