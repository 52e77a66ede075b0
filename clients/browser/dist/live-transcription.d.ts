/* live-transcription-browser: MIT. Built from clients/browser/src by `npm run build`. */
/** What a sound comes from; one of the `streams` is named by itself. */
type CaptureSource = "tab" | "microphone" | MediaStream;
interface CaptureOptions {
    /** Gets each frame: 16-bit mono samples. `(frame) => session.feed(frame)` */
    onFrame: (samples: Int16Array) => void;
    /** The rate of the frames, as that of the session: 16,000 by default. */
    sampleRate?: 8_000 | 16_000 | 24_000 | 32_000 | 48_000;
    /** The length of a frame: 100 ms by default, 50 to 100 ms. */
    frameMs?: number;
    /** The captured tab is heard on the speakers, as before: true by default. */
    loopback?: boolean;
    /** A source has ended: the tab was closed, or the microphone unplugged. The others are still captured. */
    onEnded?: (source: CaptureSource) => void;
    /** The address of the SDK's file, which is the worklet too. Found by itself, unless a bundler moved the SDK. */
    workletUrl?: string;
}
interface CaptureSources {
    /** From `tabStreamId`, in the service worker. */
    tabStreamId?: string;
    /** True, or constraints such as `{ echoCancellation: true }`. */
    microphone?: boolean | MediaTrackConstraints;
    /** Any other streams, such as that of a video call. */
    streams?: MediaStream[];
}
/**
 * The id by which an offscreen document captures a tab. Call it in the service worker after the user clicked the extension;
 * it needs the permission `tabCapture`. Source: developer.chrome.com/docs/extensions/how-to/web-platform/screen-capture
 */
declare function tabStreamId(tabId: number): Promise<string>;
/** Captures a tab by the id of `tabStreamId`. Throws DOMException as getUserMedia does. */
declare function captureTab(streamId: string, options: CaptureOptions): Promise<AudioCapture>;
/** Captures the microphone. Throws DOMException as getUserMedia does, such as NotAllowedError. */
declare function captureMicrophone(options: CaptureOptions, constraints?: MediaTrackConstraints): Promise<AudioCapture>;
/** Captures several sources, mixed. Throws RangeError, or DOMException as getUserMedia does; then nothing is captured. */
declare function captureAudio(sources: CaptureSources, options: CaptureOptions): Promise<AudioCapture>;
/** Sources that are being captured. */
declare class AudioCapture {
    #private;
    constructor(options: CaptureOptions);
    /** Adds a source to the mix. `isHeard`: it also goes to the speakers, because capturing a tab mutes it. */
    add(stream: MediaStream, isHeard: boolean, name?: CaptureSource): Promise<void>;
    /** Ends the capture and lets go of all sources. */
    stop(): Promise<void>;
}

declare class FrameMaker {
    #private;
    constructor(inputRate: number, outputRate: number, frameMs: number);
    /** Adds samples from -1 to 1; returns the frames that they complete. */
    push(samples: Float32Array): Int16Array[];
}

/**
 * A band-limited resampler from any rate to any other, for a stream of samples.
 * Method: interpolation with a windowed sinc, ccrma.stanford.edu/~jos/resample/. The kernel is tabulated once.
 */
declare class Resampler {
    #private;
    /** Rates are whole numbers of samples per second. */
    constructor(inputRate: number, outputRate: number);
    /** Adds samples; returns those of the output that are complete. */
    push(samples: ArrayLike<number>): Float32Array;
    /** The rest of the output, as if silence followed. All in all `input × to / from` samples, rounded up. */
    flush(): Float32Array;
}

interface paths {
    "/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create an account
         * @description Where the stage verifies addresses, a code is sent by email and the free credits come with the confirmation.
         */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Confirm the email address with the code that was sent to it, and set the password
         * @description The free credits are added with the confirmation. Send the password of the sign-up again: without it, one may have to be set with `POST /auth/forgot-password`.
         */
        post: operations["confirm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/resend-code": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send the confirmation code again
         * @description The response is the same whether or not the account exists.
         */
        post: operations["resend_code"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sign in with email and password */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange a refresh token for new tokens
         * @description 401 `invalid_credentials`: the refresh token was revoked or has expired. Sign in again.
         */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign out of the account everywhere
         * @description As soon as this call returns, every token of the account is rejected with 401, including a repeat of this call.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/user": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the caller's profile and credits */
        get: operations["user"];
        put?: never;
        post?: never;
        /**
         * Delete the caller's account
         * @description Every further call of the account is refused at once. A job then erases its data, except for the account books.
         */
        delete: operations["delete_user"];
        options?: never;
        head?: never;
        /** Change the caller's name */
        patch: operations["rename"];
        trace?: never;
    };
    "/auth/forgot-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a code for a new password by email
         * @description The response is the same whether or not the account exists.
         */
        post: operations["forgot_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/reset-password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Set a new password with the code that was sent by email
         * @description Every earlier sign-in of the account ends.
         */
        post: operations["reset_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/user/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start an export of all data of the caller into one file
         * @description If an export is already running, that one is returned.
         */
        post: operations["export_user"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/auth/user/export/{export_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the status of an export and, when it is done, a short-lived address of its file */
        get: operations["user_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Start, renew, save to or stop a live session
         * @description `action` selects the operation. `start` holds credits and returns 201 with a lease; the others return 200.
         */
        post: operations["stream"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's sessions that were not stopped and can go on: what a client looks at when it wakes */
        get: operations["open_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/stream/{session_id}/audio": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Transcribe one chunk of audio of a relay session
         * @description A chunk is billed once per `seq`: sent again with the same audio, it returns the same words for free.
         */
        post: operations["relay_audio"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a form for the upload of one recording
         * @description The form is valid for 15 minutes and takes at most 500 MB. It needs a positive balance.
         */
        post: operations["new_upload"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/catchup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Summarise a range of a recording or of a live session
         * @description With `quote`, the price is returned with 200 and nothing is held. The same range of the same unchanged source is returned from store, free of charge.
         */
        post: operations["catchup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/catchup/{job_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the status of a catch-up and, when it is done, its summary */
        get: operations["catchup_job"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhooks/assemblyai": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Receive the provider's notification that a transcript is complete
         * @description For the provider only. The same notification may arrive any number of times.
         */
        post: operations["assemblyai_webhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/ask": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Answer a question from a transcript */
        post: operations["ask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's transcripts, newest first
         * @description A page may be shorter than `limit`, for filters or long lines; continue until `next_cursor` is null.
         */
        get: operations["history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Search the titles and words of the caller's transcripts, newest first
         * @description A page may be short, even empty, because a call reads at most 4 MB; continue until `next_cursor` is null.
         */
        get: operations["search"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/history/{transcript_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return a transcript with its segments and with the intervals that it covers */
        get: operations["transcript"];
        put?: never;
        post?: never;
        /**
         * Delete a transcript and its session
         * @description This also deletes the stored response of its `start`; reusing that Idempotency-Key opens, and bills, a new session.
         */
        delete: operations["delete_transcript"];
        options?: never;
        head?: never;
        /** Change the title of a transcript */
        patch: operations["rename_transcript"];
        trace?: never;
    };
    "/transcription/history/{transcript_id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download a transcript as srt, vtt, txt or json */
        get: operations["export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/history/{transcript_id}/share": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Share a transcript: anyone who has the address that is returned can read it, without an account
         * @description The address is returned once. Sharing again makes another one, and ends the earlier one.
         */
        post: operations["share_transcript"];
        /**
         * End the share of a transcript at once
         * @description Ending one that is not shared is safe.
         */
        delete: operations["end_share"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/credits/balance": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the caller's available and held credits, and the totals of the account */
        get: operations["balance"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/credits/transactions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List every transaction of the caller's credits with its explanation, newest first
         * @description `format=csv` returns a file; `X-Next-Cursor` names the next one.
         */
        get: operations["transactions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/analytics/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return what the caller used, in total, per service and per day */
        get: operations["usage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/credits/packages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the packages of credits and their prices */
        get: operations["packages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/credits/purchase": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a checkout for a package
         * @description `success_url` and `cancel_url` have to be addresses of an allowed origin. Without them, buyers return to our own pages.
         */
        post: operations["purchase"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/credits/purchases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the caller's purchases, newest first */
        get: operations["purchases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/credits/purchases/{purchase_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return one purchase: whether it was paid, whether its credits came, and what was returned */
        get: operations["purchase_status"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/webhooks/stripe": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Receive an event of the payment service
         * @description For Stripe only. The same event may arrive any number of times. 503: the event has to be delivered again.
         */
        post: operations["stripe_webhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/analytics/costs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return revenue, costs and margin, in total, per service, per model and per day
         * @description Needs the group `admins`. `format=csv` returns a file; `X-Next-Cursor` names the next one.
         */
        get: operations["costs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/credits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give credits to a user, or take credits back, with a reason
         * @description Needs the group `admins`.
         */
        post: operations["give_credits"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List accounts and their credits, or find them by email address or id
         * @description Needs the group `admins`. `format=csv` returns a file; `X-Next-Cursor` names the next one.
         */
        get: operations["users"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return one user: account, credits and what holds them, costs and margin, and what administrators did
         * @description Needs the group `admins`. A deleted account is 404.
         */
        get: operations["user_detail"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{user_id}/transactions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a user's transactions, newest first, as the user sees them
         * @description Needs the group `admins`.
         */
        get: operations["user_transactions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{user_id}/purchases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a user's purchases, newest first, with their refunds and disputes
         * @description Needs the group `admins`.
         */
        get: operations["user_purchases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{user_id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a user's sessions and catch-ups, newest first, without any of their words
         * @description Needs the group `admins`. Those whose transcript was deleted, and catch-ups that failed, are not in it.
         */
        get: operations["user_sessions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/purchases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the purchases of all users, newest first, with their refunds and disputes
         * @description Needs the group `admins`.
         */
        get: operations["sold_purchases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/purchases/{purchase_id}/refund": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Refund a purchase, or a part of it, at Stripe
         * @description Needs the group `admins`. The credits are taken back once Stripe reports the refund.
         */
        post: operations["refund_purchase"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{user_id}/block": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Block an account
         * @description Needs the group `admins`. Every call of the account is refused at once; an open socket ends with its lease. Blocking twice is safe.
         */
        post: operations["block"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/users/{user_id}/unblock": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Unblock an account
         * @description Needs the group `admins`. Unblocking twice is safe.
         */
        post: operations["unblock"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return what failed lately, and what needs the owner
         * @description Needs the group `admins`. A part that could not be read is null, and is named in `unread`.
         */
        get: operations["admin_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/shares/end": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End the share of a transcript by its address, as somebody reported it
         * @description Needs the group `admins`.
         */
        post: operations["end_reported_share"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return the report of the last audit, the running audit and the latest actions of administrators
         * @description Needs the group `admins`.
         */
        get: operations["last_audit"];
        put?: never;
        /**
         * Start an audit, which recomputes every balance from its entries
         * @description Needs the group `admins`. If an audit is already running, that one is returned.
         */
        post: operations["start_audit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return a page that points to the reference and the dashboard */
        get: operations["start_page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/checkout/paid": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the page that buyers see after paying */
        get: operations["paid_page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/checkout/cancelled": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the page that buyers see who did not pay */
        get: operations["cancelled_page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/shared/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Return the page of a shared transcript
         * @description The response is the same for every address that leads nowhere.
         */
        get: operations["shared_page"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the owner's dashboard, a page that asks for a sign-in */
        get: operations["dashboard"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/admin/assets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return a file of the dashboard */
        get: operations["dashboard_asset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return the reference page of this API, where requests can be tried */
        get: operations["reference"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/assets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return a file of the reference page */
        get: operations["reference_asset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return this contract as OpenAPI 3.1 */
        get: operations["openapi_document"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Return that the service is up, with its stage and build */
        get: operations["health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
interface components {
    schemas: {
        /** @description Every error has this shape. */
        Error: {
            /**
             * @description What happened, for programs.
             * @enum {string}
             */
            code: "account_blocked" | "conflict" | "email_taken" | "email_unverified" | "forbidden" | "idempotency_mismatch" | "insufficient_credits" | "internal_error" | "invalid_credentials" | "invalid_request" | "invalid_signature" | "not_found" | "origin_not_allowed" | "provider_error" | "provider_not_offered" | "provider_timeout" | "rate_limited" | "too_large" | "unauthenticated" | "unavailable" | "unsupported_media_type";
            /** @description What is wrong and what to do, for people. */
            message: string;
            /** @description The same as in the header X-Request-Id and in the log. */
            request_id: string;
            /** @description What is needed to act. */
            details?: {
                /** @description The path of the field or parameter that is wrong. */
                field?: string;
                /**
                 * @description Why, for programs: every `conflict` and every `unauthenticated` has one.
                 * @enum {string}
                 */
                reason?: "already_done" | "catchup_running" | "chunk_expired" | "expired" | "lease_changed" | "lease_open" | "lease_opening" | "lease_over" | "lease_used_up" | "malformed" | "missing" | "not_refundable" | "nothing_saved" | "purchase_ended" | "renewed_since" | "resume_expired" | "session_running" | "session_stopped" | "signed_out" | "still_running" | "wrong_token" | "wrong_transport";
                /** @description The live providers that the account can use: of `provider_not_offered`. */
                offered?: string[];
            } & {
                [key: string]: number | string | boolean | string[] | null;
            };
        };
        /** @description Every call of the account is refused from now on. `job_id` names the job that erases its data. */
        AccountDeleted: {
            deleted: boolean;
            job_id: string;
        };
        /** @description An export. When it is `done`, `url` downloads the file until `url_expires_at`; request the export again for a new address, until `available_until`. */
        AccountExport: {
            export_id: string;
            /** @enum {string} */
            status: "done" | "failed" | "running";
            /** Format: date-time */
            created_at: string;
            bytes?: number;
            url?: string;
            /** Format: date-time */
            url_expires_at?: string;
            /** Format: date-time */
            available_until?: string;
        };
        /** @description Users who used credits in the day, the week and the thirty days before the audit. */
        ActiveUsers: {
            day: number;
            week: number;
            month: number;
        };
        /**
         * @description `before` and `after`: the changed values, such as {"available": 200} or {"blocked": true}.
         *
         *     `reference`: the purchase, of a refund.
         */
        AdminActionItem: {
            id: string;
            /** Format: date-time */
            at: string;
            admin: string;
            action: string;
            user_id: string;
            reason: string;
            before: {
                [key: string]: number | boolean;
            };
            after: {
                [key: string]: number | boolean;
            };
            reference?: string;
        };
        /**
         * @description `attention`: what needs the owner, empty if nothing does.
         *
         *     A part that could not be read is null, and its name is in `unreadable`. Counts are of the last fourteen days, at most 50 of each, newest hour first.
         */
        AdminHealth: {
            /** Format: date-time */
            checked_at: string;
            attention: components["schemas"]["AttentionItem"][];
            unreadable: string[];
            webhooks: components["schemas"]["WebhookHealth"] | null;
            failed_jobs: components["schemas"]["HealthCount"][] | null;
            dead_letters: components["schemas"]["DeadLetterHealth"] | null;
            stuck: components["schemas"]["StuckHealth"] | null;
            provider_failures: components["schemas"]["HealthCount"][] | null;
            limits: components["schemas"]["HealthCount"][] | null;
            alarms: components["schemas"]["AlarmHealth"][] | null;
            margin: components["schemas"]["MarginHealth"] | null;
        };
        AdminUser: {
            user_id: string;
            email: string;
            /** Format: date-time */
            created_at: string;
            is_confirmed: boolean;
            is_blocked: boolean;
            available: number;
            held: number;
            /** @description Free credits and what administrators gave, less what they took back. It can be below zero. */
            lifetime_granted: number;
            /** @description What was bought, less what was taken back for refunds and disputes. */
            lifetime_purchased: number;
            lifetime_used: number;
            name?: string;
        };
        AdminUsers: {
            users: components["schemas"]["AdminUser"][];
            next_cursor: string | null;
        };
        /** @description `state`: `OK`, `ALARM` or `INSUFFICIENT_DATA`. `since` is empty if it is not known. */
        AlarmHealth: {
            name: string;
            state: string;
            since: string;
            description: string;
        };
        /** @description `at` is empty if none was applied in the last fourteen days. */
        AppliedWebhook: {
            webhook: string;
            at: string;
        };
        Ask: {
            question: string;
            transcript_id?: string | null;
            session_id?: string | null;
        };
        /**
         * @description An answer from the transcript alone, with the moments that it is based on.
         *
         *     `answered` is false, and `quotes` empty, if the transcript does not answer the question.
         */
        AskAnswer: {
            answered: boolean;
            answer: string;
            quotes: components["schemas"]["QuotedMoment"][];
            transcript_id: string;
            credits_used: number;
            credits_available: number;
            /** @default true */
            is_whole?: boolean;
        };
        /** @description `about`: the part of the answer, such as `dead_letters`. `message`: what is wrong, in a sentence. */
        AttentionItem: {
            about: string;
            message: string;
        };
        /** @description One problem. docs/operations.md explains each `kind`. */
        AuditFinding: {
            /** @enum {string} */
            kind: "balance_differs" | "charge_differs" | "clawback_differs" | "cost_differs" | "day_differs" | "entry_doubled" | "entry_missing" | "grant_doubled" | "granted_not_paid" | "held_differs" | "hold_index" | "hold_overcharged" | "hold_stuck" | "lifetime_differs" | "negative_available" | "paid_not_granted" | "price_differs" | "price_version_unknown" | "purchase_differs" | "totals_differ" | "unreadable";
            message: string;
            user_id?: string;
            reference?: string;
        };
        /**
         * @description `users_moving`: accounts that changed while the audit read them, so that they were not checked.
         *
         *     `users_judged` is an earlier name of `users_checked`, kept for clients of version 0.2.
         */
        AuditReport: {
            audit_id: string;
            /** @enum {string} */
            status: "done" | "failed" | "running";
            /** Format: date-time */
            started_at: string;
            users_checked: number;
            users_judged: number;
            users_moving: number;
            entries: number;
            open_holds: number;
            purchases: number;
            credits_outstanding: number;
            findings_count: number;
            findings: components["schemas"]["AuditFinding"][];
            top_users: components["schemas"]["TopUser"][];
            active_users: components["schemas"]["ActiveUsers"];
            /** Format: date-time */
            ended_at?: string;
        };
        AuditStarted: {
            audit_id: string;
            /** @enum {string} */
            status: "done" | "failed" | "running";
        };
        /** @description Why the account is blocked or unblocked, for the record of administrators' actions. */
        BlockReason: {
            reason: string;
        };
        BlockState: {
            user_id: string;
            is_blocked: boolean;
        };
        Buy: {
            package_id: string;
            success_url?: string | null;
            cancel_url?: string | null;
        };
        /**
         * @description A range of one source: an upload, a public address, or the saved captions of a live session.
         *
         *     Without `to_ms`, the range of an upload or of an address goes to the end, as far as the balance reaches.
         */
        Catchup: {
            upload_id?: string | null;
            audio_url?: string | null;
            session_id?: string | null;
            from_ms?: number | null;
            to_ms?: number | null;
            minutes?: number | null;
            language?: string | null;
            title?: string | null;
            /** @default false */
            quote?: boolean;
        };
        /**
         * @description A catch-up: its status, its cost and, when it is done, the summary.
         *
         *     Of a range to the end, `to_ms` is first how far the hold reaches. Once the recording is transcribed, `to_ms` is where the covered range ends, and `recording_ms` where the recording does; not so if the provider does not say how long a recording without speech is.
         */
        CatchupJob: {
            job_id: string;
            /** @enum {string} */
            status: "done" | "failed" | "queued" | "summarising" | "transcribing";
            progress: number;
            from_ms: number;
            to_ms: number;
            credits_held: number;
            credits_used: number;
            /** Format: date-time */
            created_at: string;
            transcript_id?: string;
            session_id?: string;
            recording_ms?: number;
            summary?: string;
            key_moments?: components["schemas"]["KeyMoment"][];
            summary_is_whole?: boolean;
            error?: components["schemas"]["JobError"];
        };
        /** @description Send the buyer to `checkout_url`. `credits` are added when the payment is confirmed, maybe after the return. */
        Checkout: {
            purchase_id: string;
            checkout_url: string;
            checkout_session_id: string;
            /** Format: date-time */
            expires_at: string;
            credits: number;
            cents: number;
            currency: string;
        };
        Chunk: {
            seq: number;
            text: string;
            words: components["schemas"]["ChunkWord"][];
            start_ms: number;
            duration_ms: number;
            credits_used: number;
        };
        ChunkWord: {
            text: string;
            start_ms: number;
            end_ms: number;
            confidence: number;
        };
        CodeSent: {
            sent: boolean;
        };
        /** @description `password`: of the account from now on. Always send the one that the user chose: otherwise that of the sign-up opens the account only if sign-up and code come from one network, because others may have registered the address. */
        Confirm: {
            email: string;
            code: string;
            password?: string | null;
        };
        /** @description `password_required`: no password opens the account yet, because none came with the code. Send the same code again with one, within 15 minutes, or set one with a code of `POST /auth/forgot-password`. */
        Confirmed: {
            confirmed: boolean;
            free_credits: number;
            free_credits_reason?: string;
            /** @default false */
            password_required?: boolean;
        };
        /**
         * @description Money in micro-USD. Margin: revenue minus provider cost and payment fees.
         *
         *     `credits_used`: spent by users. `credits_sold`, `credits_given`: added. `credits_taken_back`: removed again.
         */
        CostTotals: {
            revenue_micro_usd: number;
            provider_cost_micro_usd: number;
            payment_fees_micro_usd: number;
            margin_micro_usd: number;
            credits_used: number;
            credits_sold: number;
            credits_given: number;
            credits_taken_back: number;
            seconds: number;
            uses: number;
        };
        /** @description `counted_until`: the time of the newest counted transaction; totals follow with a short delay. */
        Costs: {
            /** Format: date */
            from: string;
            /** Format: date */
            to: string;
            counted_until: string;
            totals: components["schemas"]["CostTotals"];
            services: components["schemas"]["ServiceCost"][];
            models: components["schemas"]["ModelCost"][];
            days: components["schemas"]["DayCost"][];
            outstanding: components["schemas"]["Outstanding"];
            holds: components["schemas"]["OpenHolds"];
            live_seconds: components["schemas"]["LiveSeconds"];
        };
        CreditBalance: {
            available: number;
            held: number;
            /** @description Free credits and what administrators gave, less what they took back. It can be below zero. */
            lifetime_granted: number;
            /** @description What was bought, less what was taken back for refunds and disputes. */
            lifetime_purchased: number;
            lifetime_used: number;
        };
        CreditPackage: {
            id: string;
            credits: number;
            cents: number;
            currency: string;
        };
        CreditSummary: {
            available: number;
            held: number;
        };
        CreditsGiven: {
            user_id: string;
            credits: number;
            available: number;
            action_id: string;
        };
        /** @description `sums` is an earlier name of `totals`, kept for clients of version 0.2. */
        DayCost: {
            /** Format: date */
            date: string;
            totals: components["schemas"]["CostTotals"];
            sums: components["schemas"]["CostTotals"];
            active_users: number;
            services: components["schemas"]["ServiceCost"][];
            models: components["schemas"]["ModelCost"][];
        };
        DayUsage: {
            /** Format: date */
            date: string;
            credits: number;
            seconds: number;
            uses: number;
            services: components["schemas"]["ServiceUsage"][];
        };
        /** @description `count`: messages that failed for good; `waiting`: jobs in the queue. `command` lists the dead letters. */
        DeadLetterHealth: {
            count: number;
            waiting: number;
            command: string;
        };
        DisputeItem: {
            dispute_id: string;
            /** @enum {string} */
            state: "lost" | "open" | "won";
            cents: number;
        };
        /** @description An empty body: nothing, or `{}`. */
        EmptyBody: Record<string, never>;
        /** @description The address of a shared transcript as it was reported, or only what follows its last slash. */
        EndShare: {
            address: string;
            reason: string;
        };
        ForgotPassword: {
            email: string;
        };
        /** @description A negative number of `credits` takes credits back. 0 is not allowed. */
        GiveCredits: {
            user_id: string;
            credits: number;
            reason: string;
        };
        Health: {
            status: string;
            stage: string;
            build: string;
        };
        /**
         * @description How often the same happened within the hour that begins at `hour`; counting stops at 100.
         *
         *     `subject`: the webhook, provider, limit or kind of job. `reference` and `user_id`: the last job and its owner.
         */
        HealthCount: {
            /** Format: date-time */
            hour: string;
            subject: string;
            reason: string;
            count: number;
            /** Format: date-time */
            last_at: string;
            reference?: string;
            user_id?: string;
        };
        HistoryItem: {
            id: string;
            /** @enum {string} */
            kind: "catchup" | "live";
            /** @enum {string} */
            state: "active" | "done" | "lapsed" | "opening" | "stopped";
            /** Format: date-time */
            started_at: string;
            duration_ms: number;
            credits: number;
            title?: string;
            source_url?: string;
            language?: string;
            session_id?: string;
            /** Format: date-time */
            ended_at?: string;
            /** Format: date-time */
            shared_at?: string;
        };
        HistoryPage: {
            items: components["schemas"]["HistoryItem"][];
            next_cursor: string | null;
        };
        Interval: {
            start_ms: number;
            end_ms: number;
        };
        JobError: {
            code: string;
            message: string;
        };
        KeyMoment: {
            start_ms: number;
            title: string;
        };
        /** @description The last finished audit, the running one, and the latest actions of administrators, newest first. */
        LastAudit: {
            report: components["schemas"]["AuditReport"] | null;
            running: components["schemas"]["AuditReport"] | null;
            actions: components["schemas"]["AdminActionItem"][];
        };
        Lease: {
            session_id: string;
            transcript_id: string;
            provider: string;
            lease_seconds: number;
            /** Format: date-time */
            lease_expires_at: string;
            /** Format: date-time */
            renew_after: string;
            credits_held: number;
            credits_per_minute: number;
            credits_available: number;
            save_interval_seconds: number;
            offset_ms: number;
            next_seq: number;
            websocket_url?: string;
            token?: string;
            /** Format: date-time */
            token_expires_at?: string;
        };
        /**
         * @description Live sessions whose extension reported, when it stopped, how long the provider's socket was open.
         *
         *     A report that is longer than its session counts as implausible and in no other figure.
         */
        LiveSeconds: {
            sessions: number;
            billed_seconds: number;
            client_reported_seconds: number;
            difference_seconds: number;
            implausible_sessions: number;
            implausible_seconds: number;
        };
        LoggedIn: {
            token: string;
            access_token: string;
            expires_in: number;
            token_type: string;
            user: components["schemas"]["User"];
            refresh_token?: string;
        };
        LoggedOut: {
            signed_out: boolean;
        };
        Login: {
            email: string;
            password: string;
        };
        /** @description The last seven days. `percent` of the revenue, rounded down; null without revenue. */
        MarginHealth: {
            /** Format: date */
            from_day: string;
            /** Format: date */
            to_day: string;
            revenue_micro_usd: number;
            margin_micro_usd: number;
            percent: number | null;
            lowest_percent: number;
            is_below: boolean;
        };
        /** @description The use of one model for one service. */
        ModelCost: {
            service: string;
            provider: string;
            model: string;
            uses: number;
            seconds: number;
            input_tokens: number;
            output_tokens: number;
            cost_micro_usd: number;
        };
        ModelUsage: {
            provider: string;
            model: string;
            audio_ms: number;
            /** @default 0 */
            input_tokens?: number;
            /** @default 0 */
            output_tokens?: number;
        };
        NewUpload: {
            content_type: string;
        };
        OpenHold: {
            user_id: string;
            hold_id: string;
            kind: string;
            credits: number;
            /** Format: date-time */
            made_at: string;
            due_at: string;
            is_overdue: boolean;
        };
        /** @description `open`: at most 100 holds, oldest first. `is_complete` is false if there were too many holds to count all. */
        OpenHolds: {
            count: number;
            credits: number;
            overdue: number;
            is_complete: boolean;
            open: components["schemas"]["OpenHold"][];
        };
        /** @description A session that was not stopped. A `lapsed` one holds nothing and can be resumed. */
        OpenSession: {
            session_id: string;
            transcript_id: string;
            /** @enum {string} */
            state: "active" | "lapsed" | "opening";
            next_seq: number;
            credits_held: number;
            /** Format: date-time */
            lease_expires_at: string;
        };
        /** @description Newest first; at most 100. */
        OpenSessions: {
            sessions: components["schemas"]["OpenSession"][];
        };
        /** @description Unused credits of all users, and their value at the price of the most expensive package. */
        Outstanding: {
            credits: number;
            liability_cents: number;
        };
        Packages: {
            packages: components["schemas"]["CreditPackage"][];
            price_version: string;
        };
        PasswordReset: {
            reset: boolean;
        };
        /**
         * @description A purchase. `credits_added` says whether its credits came; money that went back is in `cents_returned`.
         *
         *     `state`: once all of the money went back, `refunded`, or `disputed_lost` where a lost dispute took some of it. `checkout_url`: where it can still be paid.
         */
        PurchaseItem: {
            purchase_id: string;
            package_id: string;
            /** @enum {string} */
            state: "disputed_lost" | "expired" | "failed" | "open" | "paid" | "pending" | "refunded";
            credits: number;
            cents: number;
            currency: string;
            /** Format: date-time */
            created_at: string;
            credits_added: number;
            credits_taken_back: number;
            cents_returned: number;
            is_disputed: boolean;
            checkout_url?: string;
        };
        PurchasePage: {
            purchases: components["schemas"]["PurchaseItem"][];
            next_cursor: string | null;
        };
        /**
         * @description The most that the range would cost. No credits were held.
         *
         *     If the same range of the same unchanged source was requested before, `credits` is 0, `job_id` is the catch-up that the request would return, and `is_stored` says whether that is done: otherwise the request joins it.
         */
        Quote: {
            credits: number;
            credits_available: number;
            from_ms: number;
            to_ms: number;
            price_version: string;
            is_stored: boolean;
            job_id?: string;
        };
        QuotedMoment: {
            start_ms: number;
            end_ms: number;
            text: string;
            speaker?: string;
        };
        Refresh: {
            refresh_token: string;
        };
        RefundItem: {
            refund_id: string;
            /** @enum {string} */
            state: "failed" | "pending" | "succeeded";
            cents: number;
        };
        /** @description `cents`: without it, all that can be refunded. */
        RefundPurchase: {
            reason: string;
            cents?: number | null;
        };
        /** @description The refund as Stripe has accepted it. Its credits are taken back once Stripe reports that it `succeeded`. */
        RefundStarted: {
            purchase_id: string;
            refund_id: string;
            /** @enum {string} */
            state: "failed" | "pending" | "succeeded";
            cents: number;
            action_id: string;
        };
        Register: {
            email: string;
            password: string;
            name?: string | null;
        };
        Registered: {
            user: components["schemas"]["User"];
            confirmation_required: boolean;
            free_credits: number;
            free_credits_reason?: string;
            token?: string;
            access_token?: string;
            refresh_token?: string;
            expires_in?: number;
            token_type?: string;
        };
        /** @description A segment that was not stored, and why. `index`: its place in the list, from 0, where its `seq` is unreadable. */
        RejectedSegment: {
            seq?: number;
            index?: number;
            /** @enum {string} */
            reason: "resume_expired" | "save_full" | "session_stopped" | "unreadable" | "words_limit";
        };
        Renew: {
            /** @constant */
            action: "renew";
            session_id: string;
            /** @default false */
            interrupted?: boolean | null;
        };
        ResendCode: {
            email: string;
        };
        ResetPassword: {
            email: string;
            code: string;
            password: string;
        };
        Save: {
            /** @constant */
            action: "save";
            session_id: string;
            segments: (string | number | boolean | unknown[] | components["schemas"]["SegmentInput"] | null)[];
        };
        /** @description `saved`: the `seq` of each segment that was stored. A segment without text is in neither list. */
        Saved: {
            saved: number[];
            rejected: components["schemas"]["RejectedSegment"][];
            seconds_left: number;
            warnings: ("credits_low" | "lease_ending" | "no_audio")[];
        };
        SearchPage: {
            items: components["schemas"]["SearchResult"][];
            next_cursor: string | null;
        };
        /** @description A transcript with all that was searched for, and its first moment; without one, only the title matches. */
        SearchResult: {
            transcript_id: string;
            /** Format: date-time */
            started_at: string;
            snippet: components["schemas"]["SearchSnippet"];
            title?: string;
            start_ms?: number | null;
            seq?: number | null;
            speaker?: string;
        };
        /** @description The text of the transcript around a match, in three parts, as it was saved. */
        SearchSnippet: {
            before: string;
            match: string;
            after: string;
        };
        /**
         * @description One segment of the transcript to save. No value of its fields keeps the other segments out.
         *
         *     Times are rounded and put between 0 and 30 days; a start that is no number is 0, such an end is the start. A text is cut after 20,000 characters, and a number is read as text. A segment without text is ignored, and so are unknown fields. A segment whose `seq` or text cannot be read is rejected as `unreadable`.
         */
        SegmentInput: {
            /** @description A whole number from 0 to 9,999,999,999. */
            seq?: unknown;
            /** @description Milliseconds. */
            start_ms?: unknown;
            /** @description Milliseconds. */
            end_ms?: unknown;
            /** @description What was said. */
            text?: unknown;
            /** @description Who said it. */
            speaker?: unknown;
        } & {
            [key: string]: unknown;
        };
        /** @description `value_micro_usd`: the used credits at the price of the cheapest package. */
        ServiceCost: {
            service: string;
            credits: number;
            seconds: number;
            uses: number;
            cost_micro_usd: number;
            value_micro_usd: number;
        };
        ServiceUsage: {
            service: string;
            credits: number;
            seconds: number;
            uses: number;
        };
        ShareEnded: {
            ended: boolean;
        };
        /** @description Whose transcript it was. */
        ShareEndedByAdmin: {
            user_id: string;
            is_shared: boolean;
        };
        /** @description The secret address of a shared transcript. It is returned only once: sharing again makes another one. */
        SharedAddress: {
            url: string;
            /** Format: date-time */
            shared_at: string;
        };
        /**
         * @description A purchase as its seller sees it.
         *
         *     `payment_url`: the payment in Stripe's dashboard, once there is one. `refundable_cents`: what was neither refunded, nor is on its way back, nor disputed.
         */
        SoldPurchase: {
            purchase_id: string;
            package_id: string;
            /** @enum {string} */
            state: "disputed_lost" | "expired" | "failed" | "open" | "paid" | "pending" | "refunded";
            credits: number;
            cents: number;
            currency: string;
            /** Format: date-time */
            created_at: string;
            credits_added: number;
            credits_taken_back: number;
            cents_returned: number;
            is_disputed: boolean;
            checkout_url?: string;
            user_id: string;
            payment_id: string;
            payment_url: string;
            refundable_cents: number;
            refunds: components["schemas"]["RefundItem"][];
            disputes: components["schemas"]["DisputeItem"][];
        };
        SoldPurchases: {
            purchases: components["schemas"]["SoldPurchase"][];
            next_cursor: string | null;
        };
        Start: {
            /** @constant */
            action: "start";
            /** @default direct */
            transport?: ("direct" | "relay") | null;
            language?: string | null;
            title?: string | null;
            source_url?: string | null;
            sample_rate?: (8000 | 16000 | 22050 | 24000 | 32000 | 44100 | 48000) | null;
            lease_seconds?: number | null;
            /** @description Names and rare words that the provider of a direct session should recognise. Relayed audio ignores them. */
            key_terms?: string[] | null;
            providers?: string[] | null;
            turn?: components["schemas"]["Turn"] | null;
        };
        /**
         * @description `recount`: also complete what is derived, for example after a long outage.
         *
         *     It counts transactions that the running totals missed, and lists purchases that the list of sales lacks.
         */
        StartAudit: {
            /** @default false */
            recount?: boolean;
        };
        Stop: {
            /** @constant */
            action: "stop";
            session_id: string;
            segments?: ((string | number | boolean | unknown[] | components["schemas"]["SegmentInput"] | null)[] | string | number | boolean | components["schemas"]["SegmentInput"] | null) | null;
            provider_session_seconds?: unknown | null;
        };
        Stopped: {
            session_id: string;
            transcript_id: string;
            billed_seconds: number;
            credits_used: number;
            credits_available: number;
            rejected: components["schemas"]["RejectedSegment"][];
        };
        /** @description Whether the event was `applied`, or `ignored` and why. */
        StripeWebhookResult: {
            received: boolean;
            /** @enum {string} */
            outcome: "applied" | "ignored";
            reason?: string;
        };
        /**
         * @description Holds that the sweep should have ended, and purchases that are open after their checkout has expired.
         *
         *     `is_complete` is false if there were too many to count all.
         */
        StuckHealth: {
            holds_overdue: number;
            purchases_stuck: number;
            is_complete: boolean;
        };
        Tokens: {
            token: string;
            access_token: string;
            expires_in: number;
            token_type: string;
            refresh_token?: string;
        };
        TopUser: {
            user_id: string;
            credits_used: number;
            provider_cost_micro_usd: number;
            revenue_cents: number;
        };
        Transaction: {
            id: string;
            /** @enum {string} */
            kind: "admin_clawback" | "admin_grant" | "clawback" | "clawback_reversed" | "free_credits" | "purchase" | "usage";
            credits: number;
            /** Format: date-time */
            at: string;
            explanation: string;
            service?: string;
            session_id?: string;
            job_id?: string;
            purchase_id?: string;
            /** @default 0 */
            cents?: number;
            hold_id?: string;
            /** @default 0 */
            credits_held?: number;
            /** @default 0 */
            seconds?: number;
            price_version?: string;
            models?: components["schemas"]["ModelUsage"][];
        };
        Transactions: {
            transactions: components["schemas"]["Transaction"][];
            next_cursor: string | null;
        };
        TranscriptDeleted: {
            deleted: boolean;
        };
        TranscriptDetail: {
            transcript: components["schemas"]["HistoryItem"];
            segments: components["schemas"]["TranscriptSegment"][];
            covered: components["schemas"]["Interval"][];
            uncovered: components["schemas"]["Interval"][];
            summaries?: components["schemas"]["TranscriptSummary"][];
            next_cursor?: string | null;
        };
        /** @description The provider's notification. Other fields are ignored. */
        TranscriptEnded: {
            transcript_id: string;
            status?: string;
        };
        TranscriptSegment: {
            seq: number;
            start_ms: number;
            end_ms: number;
            text: string;
            speaker?: string;
        };
        /** @description The summary of an earlier catch-up of a range. */
        TranscriptSummary: {
            job_id: string;
            from_ms: number;
            to_ms: number;
            summary: string;
            key_moments: components["schemas"]["KeyMoment"][];
            /** @default true */
            is_whole?: boolean;
        };
        /** @description When the provider ends a turn, where it can be told; what is left out is the provider's own. */
        Turn: {
            silence_ms?: number | null;
            max_silence_ms?: number | null;
            confidence?: number | null;
        };
        /** @description The changes to a transcript. An empty title, or null, removes the title. */
        UpdateTranscript: {
            title: string | null;
        };
        /** @description The changes to a profile. An empty name, or null, removes the name. */
        UpdateUser: {
            name: string | null;
        };
        /** @description A form for a multipart POST to `url`: all `fields` first, the `file` last. */
        Upload: {
            upload_id: string;
            url: string;
            fields: {
                [key: string]: string;
            };
            /** Format: date-time */
            expires_at: string;
            max_bytes: number;
        };
        /** @description `days`: every day of the range, also those without use. `services`: every service. */
        Usage: {
            /** Format: date */
            from: string;
            /** Format: date */
            to: string;
            totals: components["schemas"]["UsageTotals"];
            services: components["schemas"]["ServiceUsage"][];
            days: components["schemas"]["DayUsage"][];
        };
        /** @description `uses`: the number of leases, catch-ups and questions. */
        UsageTotals: {
            credits: number;
            seconds: number;
            uses: number;
        };
        User: {
            user_id: string;
            email: string;
            /** Format: date-time */
            created_at: string;
            credits: components["schemas"]["CreditSummary"];
            name?: string;
            groups?: string[];
        };
        /** @description `actions`: what administrators did to the user, the newest 50 first. */
        UserDetail: {
            user_id: string;
            email: string;
            /** Format: date-time */
            created_at: string;
            is_confirmed: boolean;
            is_blocked: boolean;
            available: number;
            held: number;
            /** @description Free credits and what administrators gave, less what they took back. It can be below zero. */
            lifetime_granted: number;
            /** @description What was bought, less what was taken back for refunds and disputes. */
            lifetime_purchased: number;
            lifetime_used: number;
            name?: string;
            open_disputes: number;
            holds: components["schemas"]["UserHold"][];
            figures: components["schemas"]["UserFigures"];
            actions: components["schemas"]["AdminActionItem"][];
        };
        /**
         * @description A user in these days, both included. Money in micro-USD, except where the name says cents.
         *
         *     Revenue: what was paid for purchases that began in these days, less what was returned of it since. Margin: revenue minus provider cost and payment fees. It counts at most the newest 100 purchases.
         */
        UserFigures: {
            /** Format: date */
            from: string;
            /** Format: date */
            to: string;
            credits_used: number;
            seconds: number;
            uses: number;
            revenue_cents: number;
            provider_cost_micro_usd: number;
            payment_fees_micro_usd: number;
            margin_micro_usd: number;
        };
        /** @description What holds credits now. `reference`: the session or the purchase; empty for `work`, the rest in one sum. */
        UserHold: {
            /** @enum {string} */
            kind: "dispute" | "session" | "work";
            credits: number;
            reference?: string;
        };
        /** @description A live session, or the recording of a catch-up. `session_id`: of a live session. */
        UserSession: {
            transcript_id: string;
            /** @enum {string} */
            kind: "catchup" | "live";
            state: string;
            /** Format: date-time */
            started_at: string;
            seconds: number;
            credits_used: number;
            /** Format: date-time */
            ended_at?: string;
            session_id?: string;
        };
        UserSessions: {
            sessions: components["schemas"]["UserSession"][];
            next_cursor: string | null;
        };
        /** @description `refused`: at most 50 counts, newest hour first. */
        WebhookHealth: {
            applied: components["schemas"]["AppliedWebhook"][];
            refused: components["schemas"]["HealthCount"][];
        };
        WebhookReceipt: {
            received: boolean;
        };
    };
    responses: {
        /**
         * @description `account_blocked`: An administrator blocked the account.
         *
         *     `email_unverified`: The password is right, but the email address is not confirmed yet.
         *
         *     `origin_not_allowed`: A browser page of another origin called; only the extension and this API's own pages may.
         */
        AccountBlockedOrEmailUnverifiedOrOriginNotAllowed: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "account_blocked" | "email_unverified" | "origin_not_allowed";
                };
            };
        };
        /**
         * @description `account_blocked`: An administrator blocked the account.
         *
         *     `forbidden`: Only administrators may call this route.
         *
         *     `origin_not_allowed`: A browser page of another origin called; only the extension and this API's own pages may.
         */
        AccountBlockedOrForbiddenOrOriginNotAllowed: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "account_blocked" | "forbidden" | "origin_not_allowed";
                };
            };
        };
        /**
         * @description `account_blocked`: An administrator blocked the account.
         *
         *     `origin_not_allowed`: A browser page of another origin called; only the extension and this API's own pages may.
         */
        AccountBlockedOrOriginNotAllowed: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "account_blocked" | "origin_not_allowed";
                };
            };
        };
        /** @description `email_taken`: An account with this address exists. */
        EmailTaken: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "email_taken";
                };
            };
        };
        /** @description `insufficient_credits`: The available credits cannot cover the request. */
        InsufficientCredits: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "insufficient_credits";
                };
            };
        };
        /** @description `internal_error`: A bug in the service. The response never contains the text of an exception. */
        InternalError: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "internal_error";
                };
            };
        };
        /** @description `invalid_request`: A field or parameter is missing, unknown or invalid; `field` is its path, such as `segments[3].end_ms`. */
        InvalidRequest: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "invalid_request";
                };
            };
        };
        /**
         * @description `invalid_request`: A field or parameter is missing, unknown or invalid; `field` is its path, such as `segments[3].end_ms`.
         *
         *     `invalid_signature`: The signature or secret of a webhook is missing or wrong.
         */
        InvalidRequestOrInvalidSignature: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "invalid_request" | "invalid_signature";
                };
            };
        };
        /**
         * @description `invalid_request`: A field or parameter is missing, unknown or invalid; `field` is its path, such as `segments[3].end_ms`.
         *
         *     `provider_not_offered`: None of the live providers that the client can speak is offered to it; `details.offered` names those that are.
         */
        InvalidRequestOrProviderNotOffered: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "invalid_request" | "provider_not_offered";
                };
            };
        };
        /** @description `invalid_signature`: The signature or secret of a webhook is missing or wrong. */
        InvalidSignature: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "invalid_signature";
                };
            };
        };
        /** @description `not_found`: The resource does not exist or belongs to another user. */
        NotFound: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "not_found";
                };
            };
        };
        /** @description `origin_not_allowed`: A browser page of another origin called; only the extension and this API's own pages may. */
        OriginNotAllowed: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "origin_not_allowed";
                };
            };
        };
        /** @description `provider_error`: A provider rejected the request or returned an invalid response. */
        ProviderError: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "provider_error";
                };
            };
        };
        /** @description `provider_timeout`: A provider did not respond in time. */
        ProviderTimeout: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "provider_timeout";
                };
            };
        };
        /** @description `rate_limited`: The caller sent too many requests; retry after `Retry-After` seconds. */
        RateLimited: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                "Retry-After": components["headers"]["RetryAfter"];
                "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                "RateLimit-Reset": components["headers"]["RateLimitReset"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "rate_limited";
                };
            };
        };
        /** @description `too_large`: The body is larger than the route accepts. */
        TooLarge: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "too_large";
                };
            };
        };
        /**
         * @description `unauthenticated`: The ID token is missing, invalid, expired or signed out; `details.reason` says which. Reasons:
         *
         *     - `expired`: The token has expired. Refresh it once, then retry.
         *     - `malformed`: The Authorization header or the token cannot be read. Send `Bearer` and the ID token.
         *     - `missing`: There is no Authorization header. Send your ID token.
         *     - `signed_out`: The sign-in has ended. Sign in again.
         *     - `wrong_token`: The token is not a valid ID token of this service. Sign in again.
         */
        Unauthenticated: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "unauthenticated";
                    details?: {
                        /** @enum {unknown} */
                        reason?: "expired" | "malformed" | "missing" | "signed_out" | "wrong_token";
                    };
                };
            };
        };
        /** @description `unavailable`: The service is temporarily unavailable; retry after `Retry-After` seconds. */
        Unavailable: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                "Retry-After": components["headers"]["RetryAfter"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "unavailable";
                };
            };
        };
        /** @description `unsupported_media_type`: The body has a media type that the route does not accept. */
        UnsupportedMediaType: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                Date: components["headers"]["Date"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "unsupported_media_type";
                };
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /** @description Names this request in the log of the service. */
        RequestId: string;
        /** @description Seconds to wait before you retry the request. */
        RetryAfter: number;
        /** @description Seconds to wait before you retry the request; missing where a retry does not help. */
        RetryAfterWhereItHelps: number;
        /** @description The clock of the server, for a client whose own may be wrong. */
        Date: string;
        /** @description The `cursor` of the next page; missing on the last page. */
        NextCursor: string;
        /** @description Changes with the content. */
        ETag: string;
        /** @description The address to use. */
        Location: string;
        /** @description The name of the file. */
        ContentDisposition: string;
        /** @description The largest burst of requests of this kind, per account or, before sign-in, per network. */
        RateLimitLimit: number;
        /** @description How many requests are left now. */
        RateLimitRemaining: number;
        /** @description Seconds until the whole burst is available again. */
        RateLimitReset: number;
    };
    pathItems: never;
}
interface operations {
    register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Register"];
            };
        };
        responses: {
            /** @description `Registered` */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Registered"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            403: components["responses"]["OriginNotAllowed"];
            409: components["responses"]["EmailTaken"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    confirm: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Confirm"];
            };
        };
        responses: {
            /** @description `Confirmed` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Confirmed"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            403: components["responses"]["OriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    resend_code: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResendCode"];
            };
        };
        responses: {
            /** @description `CodeSent` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CodeSent"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            403: components["responses"]["OriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Login"];
            };
        };
        responses: {
            /** @description `LoggedIn` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoggedIn"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            /**
             * @description `invalid_credentials`: The email or the password is wrong, or the refresh token was revoked or has expired.
             *
             *     `unauthenticated`: The ID token is missing, invalid, expired or signed out; `details.reason` says which. Reasons:
             *
             *     - `signed_out`: The sign-in has ended. Sign in again.
             *     - `wrong_token`: The token is not a valid ID token of this service. Sign in again.
             */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "invalid_credentials" | "unauthenticated";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "signed_out" | "wrong_token";
                        };
                    };
                };
            };
            403: components["responses"]["AccountBlockedOrEmailUnverifiedOrOriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Refresh"];
            };
        };
        responses: {
            /** @description `Tokens` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            /**
             * @description `invalid_credentials`: The email or the password is wrong, or the refresh token was revoked or has expired.
             *
             *     `unauthenticated`: The ID token is missing, invalid, expired or signed out; `details.reason` says which. Reasons:
             *
             *     - `signed_out`: The sign-in has ended. Sign in again.
             *     - `wrong_token`: The token is not a valid ID token of this service. Sign in again.
             */
            401: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "invalid_credentials" | "unauthenticated";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "signed_out" | "wrong_token";
                        };
                    };
                };
            };
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["EmptyBody"];
            };
        };
        responses: {
            /** @description `LoggedOut` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoggedOut"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    user: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `User` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    delete_user: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `AccountDeleted` */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountDeleted"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    rename: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateUser"];
            };
        };
        responses: {
            /** @description `User` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    forgot_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ForgotPassword"];
            };
        };
        responses: {
            /** @description `CodeSent` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CodeSent"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            403: components["responses"]["OriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    reset_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ResetPassword"];
            };
        };
        responses: {
            /** @description `PasswordReset` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PasswordReset"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            403: components["responses"]["OriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    export_user: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["EmptyBody"];
            };
        };
        responses: {
            /** @description `AccountExport` */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountExport"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    user_export: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 9b2f0c1e-7d3a-4f6b-8e21-0a9c8b7d6e5f */
                export_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `AccountExport` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountExport"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    stream: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Names this request: sent again with the same body, it is processed once, with the same response.
                 * @example start-7f3a
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Start"] | components["schemas"]["Renew"] | components["schemas"]["Save"] | components["schemas"]["Stop"];
            };
        };
        responses: {
            /** @description `Lease`, or `Saved`, or `Stopped` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Lease"] | components["schemas"]["Saved"] | components["schemas"]["Stopped"];
                };
            };
            /** @description `Lease` */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Lease"];
                };
            };
            400: components["responses"]["InvalidRequestOrProviderNotOffered"];
            401: components["responses"]["Unauthenticated"];
            402: components["responses"]["InsufficientCredits"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            /**
             * @description `conflict`: The current state does not allow the request; `details.reason` says why. Reasons:
             *
             *     - `lease_open`: The lease is not near its end. Renew after `renew_after`, or set `interrupted`.
             *     - `lease_opening`: Another request is opening the lease. Retry the request.
             *     - `lease_over`: The lease has ended. Renew it.
             *     - `renewed_since`: The session was renewed again after this request. Use the newest lease.
             *     - `resume_expired`: The session ended too long ago to resume. Start a new one.
             *     - `session_stopped`: The session was stopped. Start a new one.
             *     - `still_running`: An earlier request is still being processed. Retry after `Retry-After` seconds.
             *
             *     `idempotency_mismatch`: The same Idempotency-Key or sequence number was already used with another body.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "conflict" | "idempotency_mismatch";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "lease_open" | "lease_opening" | "lease_over" | "renewed_since" | "resume_expired" | "session_stopped" | "still_running";
                        };
                    };
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["ProviderError"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["ProviderTimeout"];
        };
    };
    open_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `OpenSessions` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OpenSessions"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    relay_audio: {
        parameters: {
            query: {
                /** @example 0 */
                seq: number;
                /** @description Where the chunk begins in the transcript, in milliseconds; rounded, and put between 0 and 30 days. Without it: at the length of all audio sent before it, whatever `start_ms` that audio had. */
                start_ms?: number;
                /** @example 16000 */
                sample_rate?: 8000 | 16000 | 22050 | 24000 | 32000 | 44100 | 48000;
                /** @example 1 */
                channels?: 1 | 2;
            };
            header?: never;
            path: {
                /** @example 5a1de7d4-1c5e-4c8e-9f0a-6f1b2c3d4e5f */
                session_id: string;
            };
            cookie?: never;
        };
        /** @description At most 4,194,304 bytes. */
        requestBody: {
            content: {
                "audio/wav": Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;
                "audio/x-wav": Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;
                "audio/wave": Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;
                "audio/vnd.wave": Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;
                "audio/pcm": Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;
            };
        };
        responses: {
            /** @description `Chunk` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Chunk"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            /**
             * @description `conflict`: The current state does not allow the request; `details.reason` says why. Reasons:
             *
             *     - `chunk_expired`: Recognising the chunk took too long, or its session ended. It was not charged. Send it again.
             *     - `lease_changed`: The session changed while the chunk was processed. Send the chunk again.
             *     - `lease_over`: The lease has ended. Renew it.
             *     - `lease_used_up`: The rest of the lease is shorter than the chunk. Renew it.
             *     - `session_stopped`: The session was stopped. Start a new one.
             *     - `still_running`: An earlier request is still being processed. Retry after `Retry-After` seconds.
             *     - `wrong_transport`: The session streams directly to the provider. Send its audio there.
             *
             *     `idempotency_mismatch`: The same Idempotency-Key or sequence number was already used with another body.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "conflict" | "idempotency_mismatch";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "chunk_expired" | "lease_changed" | "lease_over" | "lease_used_up" | "session_stopped" | "still_running" | "wrong_transport";
                        };
                    };
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["ProviderError"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["ProviderTimeout"];
        };
    };
    new_upload: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewUpload"];
            };
        };
        responses: {
            /** @description `Upload` */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            402: components["responses"]["InsufficientCredits"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    catchup: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Names this request: sent again with the same body, it is processed once, with the same response.
                 * @example start-7f3a
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Catchup"];
            };
        };
        responses: {
            /** @description `Quote` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Quote"];
                };
            };
            /** @description `CatchupJob` */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CatchupJob"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            402: components["responses"]["InsufficientCredits"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            /**
             * @description `conflict`: The current state does not allow the request; `details.reason` says why. Reasons:
             *
             *     - `nothing_saved`: There is no text yet. Save segments first.
             *
             *     `idempotency_mismatch`: The same Idempotency-Key or sequence number was already used with another body.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "conflict" | "idempotency_mismatch";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "nothing_saved";
                        };
                    };
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    catchup_job: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 9b2f0c1e-7d3a-4f6b-8e21-0a9c8b7d6e5f */
                job_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `CatchupJob` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CatchupJob"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    assemblyai_webhook: {
        parameters: {
            query: {
                /** @example 9b2f0c1e-7d3a-4f6b-8e21-0a9c8b7d6e5f */
                job: string;
            };
            header: {
                "X-Webhook-Secret": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TranscriptEnded"];
            };
        };
        responses: {
            /** @description `WebhookReceipt` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookReceipt"];
                };
            };
            400: components["responses"]["InvalidRequestOrInvalidSignature"];
            403: components["responses"]["OriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    ask: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Names this request: sent again with the same body, it is processed once, with the same response.
                 * @example start-7f3a
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Ask"];
            };
        };
        responses: {
            /** @description `AskAnswer` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AskAnswer"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            402: components["responses"]["InsufficientCredits"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            /**
             * @description `conflict`: The current state does not allow the request; `details.reason` says why. Reasons:
             *
             *     - `nothing_saved`: There is no text yet. Save segments first.
             *     - `still_running`: An earlier request is still being processed. Retry after `Retry-After` seconds.
             *
             *     `idempotency_mismatch`: The same Idempotency-Key or sequence number was already used with another body.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "conflict" | "idempotency_mismatch";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "nothing_saved" | "still_running";
                        };
                    };
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["ProviderError"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["ProviderTimeout"];
        };
    };
    history: {
        parameters: {
            query?: {
                /** @example 20 */
                limit?: number;
                cursor?: string;
                /** @example live */
                kind?: "catchup" | "live";
                /** @example 2026-11-01T00:00:00Z */
                from?: string;
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `HistoryPage` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryPage"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    search: {
        parameters: {
            query: {
                /** @example 20 */
                limit?: number;
                cursor?: string;
                /** @example budget "next year" */
                q: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `SearchPage` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SearchPage"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    transcript: {
        parameters: {
            query?: {
                /** @example RU5UUlkjMDFKREg4.k3Jx0uQ */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 01JDH8Z3V5W7XK2M4N6P8Q0R1S */
                transcript_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `TranscriptDetail` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TranscriptDetail"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    delete_transcript: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01JDH8Z3V5W7XK2M4N6P8Q0R1S */
                transcript_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `TranscriptDeleted` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TranscriptDeleted"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            /**
             * @description `conflict`: The current state does not allow the request; `details.reason` says why. Reasons:
             *
             *     - `catchup_running`: A catch-up of this transcript is running. Delete the transcript when it has ended.
             *     - `session_running`: The session is still running. Stop it first.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "conflict";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "catchup_running" | "session_running";
                        };
                    };
                };
            };
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    rename_transcript: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01JDH8Z3V5W7XK2M4N6P8Q0R1S */
                transcript_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateTranscript"];
            };
        };
        responses: {
            /** @description `HistoryItem` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HistoryItem"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    export: {
        parameters: {
            query: {
                /** @example srt */
                format: "json" | "srt" | "txt" | "vtt";
            };
            header?: never;
            path: {
                /** @example 01JDH8Z3V5W7XK2M4N6P8Q0R1S */
                transcript_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a file */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    "Content-Disposition": components["headers"]["ContentDisposition"];
                    [name: string]: unknown;
                };
                content: {
                    "application/x-subrip": string;
                    "text/vtt": string;
                    "text/plain": string;
                    "application/json": unknown;
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    share_transcript: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01JDH8Z3V5W7XK2M4N6P8Q0R1S */
                transcript_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["EmptyBody"];
            };
        };
        responses: {
            /** @description `SharedAddress` */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SharedAddress"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrEmailUnverifiedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    end_share: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 01JDH8Z3V5W7XK2M4N6P8Q0R1S */
                transcript_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `ShareEnded` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareEnded"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    balance: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `CreditBalance` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreditBalance"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    transactions: {
        parameters: {
            query?: {
                /** @example 20 */
                limit?: number;
                cursor?: string;
                format?: "csv" | "json";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `Transactions`, or a file */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    "X-Next-Cursor": components["headers"]["NextCursor"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transactions"];
                    "text/csv": string;
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    usage: {
        parameters: {
            query?: {
                /** @example 2026-11-01 */
                from?: string;
                /** @example 2026-11-30 */
                to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `Usage` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Usage"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    packages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `Packages` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Packages"];
                };
            };
            403: components["responses"]["OriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    purchase: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Names this request: sent again with the same body, it is processed once, with the same response.
                 * @example start-7f3a
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Buy"];
            };
        };
        responses: {
            /** @description `Checkout` */
            201: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Checkout"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            /**
             * @description `conflict`: The current state does not allow the request; `details.reason` says why. Reasons:
             *
             *     - `purchase_ended`: The purchase failed or expired. Start a new one.
             *     - `still_running`: An earlier request is still being processed. Retry after `Retry-After` seconds.
             *
             *     `idempotency_mismatch`: The same Idempotency-Key or sequence number was already used with another body.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "conflict" | "idempotency_mismatch";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "purchase_ended" | "still_running";
                        };
                    };
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["ProviderError"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["ProviderTimeout"];
        };
    };
    purchases: {
        parameters: {
            query?: {
                /** @example 20 */
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `PurchasePage` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PurchasePage"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    purchase_status: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c */
                purchase_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `PurchaseItem` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PurchaseItem"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    stripe_webhook: {
        parameters: {
            query?: never;
            header: {
                "Stripe-Signature": string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description Exactly the bytes that were signed. */
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description `StripeWebhookResult` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StripeWebhookResult"];
                };
            };
            400: components["responses"]["InvalidSignature"];
            403: components["responses"]["OriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    costs: {
        parameters: {
            query?: {
                /** @example 2026-11-01 */
                from?: string;
                /** @example 2026-11-30 */
                to?: string;
                format?: "csv" | "json";
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `Costs`, or a file */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    "X-Next-Cursor": components["headers"]["NextCursor"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Costs"];
                    "text/csv": string;
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    give_credits: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Names this request: sent again with the same body, it is processed once, with the same response.
                 * @example start-7f3a
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GiveCredits"];
            };
        };
        responses: {
            /** @description `CreditsGiven` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreditsGiven"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            /**
             * @description `conflict`: The current state does not allow the request; `details.reason` says why. Reasons:
             *
             *     - `already_done`: This request was already processed. Read the result with a GET request.
             *
             *     `idempotency_mismatch`: The same Idempotency-Key or sequence number was already used with another body.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "conflict" | "idempotency_mismatch";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "already_done";
                        };
                    };
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    users: {
        parameters: {
            query?: {
                /** @example ada@ */
                email?: string;
                user_id?: string;
                only?: "below_zero" | "blocked" | "never_paid";
                format?: "csv" | "json";
                /** @example 20 */
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `AdminUsers`, or a file */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    "X-Next-Cursor": components["headers"]["NextCursor"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminUsers"];
                    "text/csv": string;
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    user_detail: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 7c9e6679-ada1 */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `UserDetail` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserDetail"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    user_transactions: {
        parameters: {
            query?: {
                /** @example 20 */
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 7c9e6679-ada1 */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `Transactions` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transactions"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    user_purchases: {
        parameters: {
            query?: {
                /** @example 20 */
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 7c9e6679-ada1 */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `SoldPurchases` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SoldPurchases"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    user_sessions: {
        parameters: {
            query?: {
                /** @example 20 */
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path: {
                /** @example 7c9e6679-ada1 */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `UserSessions` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserSessions"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    sold_purchases: {
        parameters: {
            query?: {
                /** @example 2026-11-01 */
                from?: string;
                /** @example 2026-11-30 */
                to?: string;
                /** @example paid */
                state?: "disputed_lost" | "expired" | "failed" | "open" | "paid" | "pending" | "refunded";
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `SoldPurchases` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SoldPurchases"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    refund_purchase: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Names this request: sent again with the same body, it is processed once, with the same response.
                 * @example start-7f3a
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @example 3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c */
                purchase_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefundPurchase"];
            };
        };
        responses: {
            /** @description `RefundStarted` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RefundStarted"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            /**
             * @description `conflict`: The current state does not allow the request; `details.reason` says why. Reasons:
             *
             *     - `already_done`: This request was already processed. Read the result with a GET request.
             *     - `not_refundable`: Nothing of this payment can be refunded, or Stripe refused it. See the purchase.
             *
             *     `idempotency_mismatch`: The same Idempotency-Key or sequence number was already used with another body.
             */
            409: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "conflict" | "idempotency_mismatch";
                        details?: {
                            /** @enum {unknown} */
                            reason?: "already_done" | "not_refundable";
                        };
                    };
                };
            };
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["ProviderError"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["ProviderTimeout"];
        };
    };
    block: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 7c9e6679-ada1 */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BlockReason"];
            };
        };
        responses: {
            /** @description `BlockState` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BlockState"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    unblock: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @example 7c9e6679-ada1 */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["BlockReason"];
            };
        };
        responses: {
            /** @description `BlockState` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BlockState"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    admin_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `AdminHealth` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminHealth"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    end_reported_share: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EndShare"];
            };
        };
        responses: {
            /** @description `ShareEndedByAdmin` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ShareEndedByAdmin"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    last_audit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `LastAudit` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LastAudit"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    start_audit: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StartAudit"];
            };
        };
        responses: {
            /** @description `AuditStarted` */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditStarted"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            403: components["responses"]["AccountBlockedOrForbiddenOrOriginNotAllowed"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    start_page: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that you have. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["OriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    paid_page: {
        parameters: {
            query?: {
                /** @example 2000 */
                credits?: string;
            };
            header?: {
                /** @description The ETag of the version that you have. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["InvalidRequest"];
            403: components["responses"]["OriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    cancelled_page: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that you have. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["OriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    shared_page: {
        parameters: {
            query?: {
                part?: string;
            };
            header?: never;
            path: {
                /** @example the-token-of-this-transcript */
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `invalid_request`: A field or parameter is missing, unknown or invalid; `field` is its path, such as `segments[3].end_ms`. */
            400: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "invalid_request";
                    };
                    "text/html": string;
                };
            };
            /** @description `origin_not_allowed`: A browser page of another origin called; only the extension and this API's own pages may. */
            403: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "origin_not_allowed";
                    };
                    "text/html": string;
                };
            };
            /** @description `not_found`: The resource does not exist or belongs to another user. */
            404: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "not_found";
                    };
                    "text/html": string;
                };
            };
            /** @description `unsupported_media_type`: The body has a media type that the route does not accept. */
            415: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "unsupported_media_type";
                    };
                    "text/html": string;
                };
            };
            /** @description `rate_limited`: The caller sent too many requests; retry after `Retry-After` seconds. */
            429: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfter"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "rate_limited";
                    };
                    "text/html": string;
                };
            };
            /** @description `internal_error`: A bug in the service. The response never contains the text of an exception. */
            500: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "internal_error";
                    };
                    "text/html": string;
                };
            };
            /** @description `unavailable`: The service is temporarily unavailable; retry after `Retry-After` seconds. */
            503: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    "Retry-After": components["headers"]["RetryAfter"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"] & {
                        /** @enum {unknown} */
                        code: "unavailable";
                    };
                    "text/html": string;
                };
            };
        };
    };
    dashboard: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that you have. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["OriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    dashboard_asset: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that you have. */
                "If-None-Match"?: string;
            };
            path: {
                /** @example style.css */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/css": string;
                    "text/javascript": string;
                    "text/html": string;
                    "text/plain": string;
                    "image/svg+xml": string;
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["OriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    reference: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that you have. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["OriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    reference_asset: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that you have. */
                "If-None-Match"?: string;
            };
            path: {
                /** @example style.css */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/css": string;
                    "text/javascript": string;
                    "text/html": string;
                    "text/plain": string;
                    "image/svg+xml": string;
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["OriginNotAllowed"];
            404: components["responses"]["NotFound"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    openapi_document: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of the version that you have. */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description a page */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description Not modified. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The address has a final slash: use it without. */
            308: {
                headers: {
                    Location: components["headers"]["Location"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            403: components["responses"]["OriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
    health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description `Health` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    Date: components["headers"]["Date"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            403: components["responses"]["OriginNotAllowed"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            503: components["responses"]["Unavailable"];
        };
    };
}

/** Types of the API's contract: shapes by name, and what each route reads and answers. */

/** A shape of the contract by its name, such as `Schema<"Lease">`. */
type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];
type ErrorCode = Schema<"Error">["code"];
type ErrorDetails = NonNullable<Schema<"Error">["details"]>;
type ErrorReason = NonNullable<ErrorDetails["reason"]>;
type Method = "GET" | "POST" | "PATCH" | "DELETE";
type Operation<M extends Method, P extends keyof paths> = NonNullable<paths[P][Lowercase<M> & keyof paths[P]]>;
/** The paths that have a method. */
type PathOf<M extends Method> = {
    [P in keyof paths]: [Operation<M, P>] extends [never] ? never : P;
}[keyof paths];
type Parameter<O, Kind extends string> = O extends {
    parameters: infer All;
} ? Kind extends keyof All ? NonNullable<All[Kind]> : never : never;
type Body<O> = O extends {
    requestBody?: {
        content: infer Content;
    };
} ? Content[keyof Content] : never;
type Field<Name extends string, Value> = [Value] extends [never] ? {
    [name in Name]?: never;
} : Record<never, never> extends Value ? {
    [name in Name]?: Value;
} : {
    [name in Name]: Value;
};
type JsonOf<Response> = Response extends {
    content: {
        "application/json": infer Json;
    };
} ? Json : never;
/** What a route answers with 200, 201 or 202. */
type Answer<M extends Method, P extends keyof paths> = Operation<M, P> extends {
    responses: infer All;
} ? JsonOf<All[keyof All & (200 | 201 | 202)]> : never;
/** What a route reads: `path`, `query` and `body`, each only where the route has it. */
type RouteInput<M extends Method, P extends keyof paths> = Field<"path", Parameter<Operation<M, P>, "path">> & Field<"query", Parameter<Operation<M, P>, "query">> & Field<"body", Body<Operation<M, P>>>;

/** Runs work that only one context of an origin may do at a time. */
interface Locks {
    /** Waits for the lock, runs `work` and releases the lock. */
    withLock<Result>(name: string, work: () => Promise<Result>): Promise<Result>;
    /** Takes a lock for longer. Returns the function that releases it, or undefined if another context has the lock. */
    tryLock(name: string): Promise<(() => void) | undefined>;
    /** Whether a context has the lock. */
    isLocked(name: string): Promise<boolean>;
}
/** The part of the browser's `WebSocket` that the SDK uses. */
interface SocketLike {
    binaryType: string;
    readonly readyState: number;
    /** Bytes that were sent and that the network has not accepted yet. */
    readonly bufferedAmount: number;
    onopen: ((event: unknown) => void) | null;
    onmessage: ((event: {
        data: unknown;
    }) => void) | null;
    onclose: ((event: {
        code: number;
        reason: string;
    }) => void) | null;
    onerror: ((event: unknown) => void) | null;
    send(data: string | ArrayBuffer): void;
    close(code?: number, reason?: string): void;
}
interface Environment {
    fetch(url: string, init: RequestInit): Promise<Response>;
    openWebSocket(url: string, protocols: string[]): SocketLike;
    /** Milliseconds of a clock that never jumps when somebody sets the device's clock. */
    monotonicMs(): number;
    /** Milliseconds since 1970 by the device's clock, which may be wrong. */
    wallMs(): number;
    setTimer(callback: () => void, milliseconds: number): unknown;
    clearTimer(timer: unknown): void;
    /** A number from 0 (included) to 1 (excluded). */
    random(): number;
    randomUUID(): string;
    locks: Locks;
}
/** The surroundings of a page, an offscreen document, a service worker or a Node program. */
declare function defaultEnvironment(): Environment;

/** Sends requests: with a time-out, the token, and retries that keep body and Idempotency-Key. */

/** Where requests get the ID token from. */
interface TokenSource {
    /** The id of the sign-in, the same over all refreshes; undefined if no user is signed in. */
    signInId(): Promise<string | undefined>;
    /** The ID token to send; undefined if no user is signed in. */
    token(): Promise<string | undefined>;
    /** The token that replaces one which the API calls expired; undefined if the user has to sign in again. */
    replace(expiredToken: string): Promise<string | undefined>;
    /** The API refuses this token for good. */
    reject(token: string, reason: string): Promise<void>;
}
interface RequestOptions {
    /**
     * Names the request for the API, which processes it once. Made by the SDK where it is left out, and used again if the same
     * request follows within two minutes of one whose answer never came.
     */
    idempotencyKey?: string;
    signal?: AbortSignal | undefined;
    /** For how long one try may take. */
    timeoutMs?: number;
    /** How often the request is sent at most. */
    tries?: number;
    /** The sign-in that the request belongs to: that of its first try by default. As another user, it is not sent. */
    signInId?: string | undefined;
}
interface Call extends RequestOptions {
    method: Method;
    /** With the values of its parameters, but without the query. */
    path: string;
    /** The path as the contract has it. */
    route?: string;
    query?: Record<string, unknown> | undefined;
    /** Sent as JSON, or as it is if it is audio. */
    body?: unknown;
    contentType?: string;
    /** Whether the answer is a file and no JSON. */
    isFile?: boolean;
}
/** A successful answer. Times are of the monotonic clock, of the try that was answered. */
interface Delivery {
    headers: Headers;
    /** The JSON, or the Blob of a file; undefined with 204. */
    content: unknown;
    sentAtMs: number;
    receivedAtMs: number;
}
declare class Requests {
    #private;
    readonly environment: Environment;
    private readonly tokens;
    readonly baseUrl: string;
    constructor(baseUrl: string, environment: Environment, tokens: TokenSource);
    /** The JSON of a successful response. Throws ApiError, NetworkError, AbortedError. */
    json<Body>(call: Call): Promise<Body>;
    /** Sends a request until it is answered, refused for good, or all tries are used up. Throws as `json` does. */
    send(call: Call): Promise<Delivery>;
}

/** Where sign-ins and unsaved words are kept: chrome.storage, a bridge to it by messages, or the memory. */
/** A store of JSON values that all contexts of the extension share. */
interface KeyValueStorage {
    get(key: string): Promise<unknown>;
    set(key: string, value: unknown): Promise<void>;
    remove(key: string): Promise<void>;
    /** The keys that begin with `prefix`. */
    keys(prefix: string): Promise<string[]>;
    /** Calls `listener` after each change, also those of other contexts; a removed value is undefined. */
    subscribe(listener: StorageListener): () => void;
}
type StorageListener = (key: string, value: unknown) => void;
/** Keeps values as long as the page or program lives. */
declare function memoryStorage(): KeyValueStorage;
/** The part of `chrome.storage.local` that the SDK uses. Source: developer.chrome.com/docs/extensions/reference/api/storage */
interface ChromeStorageArea {
    get(keys: string | null): Promise<Record<string, unknown>>;
    set(items: Record<string, unknown>): Promise<void>;
    remove(key: string): Promise<void>;
    onChanged: ChromeEvent<(changes: Record<string, {
        newValue?: unknown;
    }>) => void>;
}
interface ChromeEvent<Listener> {
    addListener(listener: Listener): void;
    removeListener(listener: Listener): void;
}
/** The part of `chrome.runtime` that the bridge uses. */
interface ChromeRuntime {
    /** The extension's id. */
    id: string;
    sendMessage(message: unknown): Promise<unknown>;
    onMessage: ChromeEvent<(message: unknown, sender: unknown, respond: (answer: unknown) => void) => boolean | void>;
}
/** Keeps values in `chrome.storage.local`, which needs the permission `storage`. Offscreen documents do not have it. */
declare function chromeStorage(area?: ChromeStorageArea | undefined): KeyValueStorage;
/**
 * Answers the bridges of other contexts from `storage`: call it in the service worker, before anything is awaited.
 * Content scripts get no answer: a page that has taken over its process could read the sign-in through them.
 */
declare function serveStorage(storage: KeyValueStorage, runtime?: ChromeRuntime | undefined): () => void;
/** A storage that asks the service worker: for offscreen documents, which have no `chrome.storage`. */
declare function bridgeStorage(runtime?: ChromeRuntime | undefined): KeyValueStorage;

/** An account's sign-in, shared by all contexts: one refresh at a time, and one place that says who is signed in. */

/** Why nobody is signed in any more: the user signed out, or the API refuses the tokens. */
type SignOutReason = "logout" | "expired" | "signed_out" | "malformed" | "wrong_token" | "missing";
interface SignedInUser {
    userId: string;
    email: string;
    name?: string;
}
declare class Auth implements TokenSource {
    #private;
    private readonly storage;
    private readonly environment;
    /** Stops the open sessions of a sign-in, before it ends; an abort ends that too. */
    beforeLogout: (options: RequestOptions) => Promise<void>;
    constructor(baseUrl: string, storage: KeyValueStorage, environment: Environment);
    /** Opens an account. It is signed in unless `confirmation_required`: then ask for the mailed code and `confirm`. */
    register(body: Schema<"Register">): Promise<Schema<"Registered">>;
    /** Confirms the email address with the mailed code; with a `password`, it also signs in. */
    confirm(body: Schema<"Confirm">): Promise<Schema<"Confirmed">>;
    /** Mails the code again. */
    resendCode(email: string): Promise<void>;
    login(body: Schema<"Login">): Promise<Schema<"User">>;
    /** Mails a code for a new password. */
    forgotPassword(email: string): Promise<void>;
    /** Sets a new password with the mailed code. It ends every sign-in of the account. */
    resetPassword(body: Schema<"ResetPassword">): Promise<void>;
    /**
     * Stops the open sessions, then ends every sign-in of the account, on all of its devices. This device is signed out in any
     * case, also where the account is blocked or there is no network. Returns whether the API did the rest: if not, other
     * devices stay signed in, and a session that could not be stopped is billed to the end of its lease.
     */
    logout(): Promise<boolean>;
    /** The id of the current sign-in, which is the same over all refreshes. */
    signInId(): Promise<string | undefined>;
    /** Who is signed in; undefined if nobody is. */
    user(): Promise<SignedInUser | undefined>;
    /** Calls `listener` when the sign-in ended, in every context of the extension. Returns what ends the calls. */
    onSignedOut(listener: (reason: SignOutReason) => void): () => void;
    token(): Promise<string | undefined>;
    replace(expiredToken: string, options?: RequestOptions): Promise<string | undefined>;
    reject(token: string, reason: string): Promise<void>;
}

/** Catch-ups: what was missed of a recording or of a session, and questions about a transcript. */

type CatchupJob = Schema<"CatchupJob">;
interface CatchupOptions extends RequestOptions {
    /** Gets the job each time it was asked for: its `status`, and `progress` in percent. */
    onProgress?: (job: CatchupJob) => void;
    /** How often to ask for the job. */
    pollSeconds?: number;
}
declare class Catchups {
    private readonly requests;
    constructor(requests: Requests);
    /** What a catch-up would cost. It holds nothing. */
    quote(body: Omit<Schema<"Catchup">, "quote">, options?: RequestOptions): Promise<Schema<"Quote">>;
    /**
     * Starts a catch-up and waits until it is done, also over a lost network: it runs without this client. An abort ends the
     * wait only. Throws CatchupFailedError, ApiError, NetworkError, AbortedError.
     */
    run(body: Omit<Schema<"Catchup">, "quote">, options?: CatchupOptions): Promise<CatchupJob>;
    /** Waits until a started catch-up is done, such as that of a popup which was closed. Throws as `run` does. */
    wait(jobId: string, { onProgress, pollSeconds, signal }?: CatchupOptions): Promise<CatchupJob>;
    /** Answers a question from a transcript, with the moments that the answer rests on. */
    ask(body: Schema<"Ask">, options?: RequestOptions): Promise<Schema<"AskAnswer">>;
}

/** The balance, buying credits, and what was used. */

type Balance = Schema<"CreditBalance">;
type Purchase = Schema<"PurchaseItem">;
interface BuyOptions extends RequestOptions {
    packageId: string;
    /** Opens the checkout for the buyer, such as in a new tab. A popup closes then: keep the id for `waitForPurchase`. */
    open: (checkoutUrl: string, purchaseId: string) => void | Promise<void>;
    /** Gets the purchase when its credits came. */
    onPaid?: (purchase: Purchase) => void;
    successUrl?: string;
    cancelUrl?: string;
}
declare class Credits {
    #private;
    private readonly requests;
    constructor(requests: Requests);
    balance(options?: RequestOptions): Promise<Balance>;
    /** What can be bought, cheapest first. */
    packages(options?: RequestOptions): Promise<Schema<"CreditPackage">[]>;
    /** What the caller used by day and service. */
    usage(query?: operations["usage"]["parameters"]["query"], options?: RequestOptions): Promise<Schema<"Usage">>;
    /**
     * Calls `listener` with the balance at once and after each change. Show a person `available + held`: what running
     * sessions hold is still theirs. A hidden page asks less often, and at once when it is shown. Returns what ends the calls;
     * a sign-out ends them too.
     */
    watch(listener: (balance: Balance) => void, { pollSeconds }?: {
        pollSeconds?: number | undefined;
    }): () => void;
    /**
     * Buys a package: opens the checkout, and resolves when the purchase is paid, failed or expired, also over a lost network.
     * Throws ApiError, NetworkError, AbortedError: an abort ends the wait, not the purchase.
     */
    buy({ packageId, open, onPaid, successUrl, cancelUrl, ...options }: BuyOptions): Promise<Purchase>;
    /** Waits until a purchase is paid, failed or expired, such as that of a popup which was closed. Throws as `buy` does. */
    waitForPurchase(purchaseId: string, { onPaid, signal }?: Pick<BuyOptions, "onPaid" | "signal">): Promise<Purchase>;
    purchase(purchaseId: string, options?: RequestOptions): Promise<Purchase>;
}

/** The caller's transcripts: list, read, rename, export and delete them. */

type HistoryFilter = Omit<NonNullable<operations["history"]["parameters"]["query"]>, "cursor">;
type ExportFormat = "srt" | "vtt" | "txt" | "json";
type Transcript = Schema<"TranscriptDetail">;
/** A file to save: its name as the API proposes it, and its content. */
interface ExportedFile {
    name: string;
    content: Blob;
}
declare class History {
    #private;
    private readonly requests;
    constructor(requests: Requests);
    /** All transcripts, newest first; pages are requested as they are needed. */
    list(filter?: HistoryFilter, options?: RequestOptions): AsyncGenerator<Schema<"HistoryItem">>;
    /**
     * The transcripts with all of these words and "quoted phrases", newest first, each with its first moment. The API reads a
     * bounded part of the history for each answer, so that the first result may take several of them.
     */
    search(words: string, filter?: {
        limit?: number;
    }, options?: RequestOptions): AsyncGenerator<Schema<"SearchResult">>;
    /** A transcript with all of its segments, however many answers they take. */
    get(transcriptId: string, options?: RequestOptions): Promise<Transcript>;
    /** Changes the title; an empty one removes it. */
    rename(transcriptId: string, title: string, options?: RequestOptions): Promise<void>;
    /** Shares a transcript: anyone who has the address can read it. A transcript has one address: an earlier one ends. */
    share(transcriptId: string, options?: RequestOptions): Promise<Schema<"SharedAddress">>;
    /** Ends the share of a transcript, if there is one: its address leads nowhere at once. */
    endShare(transcriptId: string, options?: RequestOptions): Promise<void>;
    /** Deletes a transcript, unless it is deleted already. Throws ConflictError while its session or a catch-up of it runs. */
    delete(transcriptId: string, options?: RequestOptions): Promise<void>;
    /** A transcript as a file to save. */
    exportFile(transcriptId: string, format: ExportFormat, options?: RequestOptions): Promise<ExportedFile>;
}

/** The four actions of `POST /transcription/stream`, each with its own answer. */

/** A lease, and when it began by the monotonic clock of this device. */
interface TimedLease {
    lease: Schema<"Lease">;
    beganAtMs: number;
}
/** The answer to a save, and when it was requested by the monotonic clock of this device. */
interface TimedSave {
    saved: Schema<"Saved">;
    sentAtMs: number;
}
/** Words of the transcript. Times are milliseconds from its beginning; the last save of a `seq` wins. */
interface Segment {
    seq: number;
    start_ms: number;
    end_ms: number;
    text: string;
    speaker?: string;
}
type StartBody = Omit<Schema<"Start">, "action">;
interface RenewBody {
    session_id: string;
    /** The stream broke off: renew at any time, and show the gap. */
    interrupted?: boolean;
}
interface SaveBody {
    session_id: string;
    segments: readonly Segment[];
}
interface StopBody {
    session_id: string;
    segments?: readonly Segment[];
    /** How long the provider's sockets were open, as it reports it. */
    provider_session_seconds?: number;
}
declare class Stream {
    #private;
    private readonly requests;
    constructor(requests: Requests);
    /** Opens a session and its first lease. */
    start(body?: StartBody, options?: RequestOptions): Promise<Schema<"Lease">>;
    /** Ends the lease of a session and opens the next one; with `interrupted`, at any time. */
    renew(body: RenewBody, options?: RequestOptions): Promise<Schema<"Lease">>;
    /** Stores up to 100 segments. An empty list is a heartbeat. */
    save(body: SaveBody, options?: RequestOptions): Promise<Schema<"Saved">>;
    /** Stores the last words, settles the lease and closes the session. A repeat answers the same. */
    stop(body: StopBody, options?: RequestOptions): Promise<Schema<"Stopped">>;
    /** The sessions that were not stopped and can go on, newest first. */
    openSessions(options?: RequestOptions): Promise<Schema<"OpenSession">[]>;
    startTimed(body: StartBody, options: RequestOptions): Promise<TimedLease>;
    renewTimed(body: RenewBody, options: RequestOptions): Promise<TimedLease>;
    saveTimed(body: SaveBody, options: RequestOptions): Promise<TimedSave>;
}

/** What an author chooses for a live session, and what it works with. */

interface LiveOptions extends Omit<StartBody, "transport" | "sample_rate"> {
    /** The rate of the samples that are fed: 16,000 by default. */
    sampleRate?: NonNullable<Schema<"Start">["sample_rate"]>;
    /** For how many seconds audio is kept while no socket is open, and until its words are final: 45 by default. */
    bufferSeconds?: number;
    /** How long before its end a lease is renewed: 12 seconds by default. Earlier costs more of the day's allowance. */
    renewLeadSeconds?: number;
    /** How long a hand-over waits for a pause in speech: 3 seconds by default. */
    pausePatienceSeconds?: number;
}
/** What a session works with. */
interface LiveParts {
    environment: Environment;
    stream: Stream;
    storage: KeyValueStorage;
    userId: () => Promise<string>;
}

/** Sends the audio that is fed to the socket of the moment, and changes the socket at an exact sample. */

type UncoveredReason = "no_audio" | "buffer_full" | "not_recognised";

/** The events of a live session. */

/**
 * - `idle`: not started yet.
 * - `starting`: the first socket is being opened; audio that is fed is kept for it.
 * - `live`: a socket receives the audio.
 * - `reconnecting`: the socket broke off and the next one is being opened; audio is kept for it.
 * - `paused`: by `pause`; audio is ignored.
 * - `stopping`: the last words are awaited and saved.
 * - `ended`: see the event `ended`.
 */
type LiveState = "idle" | "starting" | "live" | "reconnecting" | "paused" | "stopping" | "ended";
/**
 * - `stopped`: by `stop`.
 * - `insufficient_credits`: the balance does not cover another lease.
 * - `account_blocked`, `signed_out`: the API refuses the account; unsaved words wait in the storage.
 * - `stopped_elsewhere`: another device or window stopped the session.
 * - `deleted`: the transcript was deleted.
 * - `resume_expired`: the session was interrupted for more than a day.
 * - `provider_failed`: the provider refused several sockets in a row.
 * - `failed`: something else, in `error`.
 */
type EndReason = "stopped" | "insufficient_credits" | "account_blocked" | "signed_out" | "stopped_elsewhere" | "deleted" | "resume_expired" | "provider_failed" | "failed";
/**
 * `credits_low`, `lease_ending`, `no_audio`: as in docs/streaming.md. `words_limit`: the API keeps no more words for now.
 * `words_rejected`: segments of the last save were refused for good. `save_failing`: words wait.
 */
type WarningCode = Schema<"Saved">["warnings"][number] | "words_limit" | "words_rejected" | "save_failing";
/** Words of the transcript. Times are milliseconds from its beginning. */
interface Caption {
    text: string;
    startMs: number;
    endMs: number;
    speaker?: string;
}
interface LiveEvents {
    /** The session is in another state: show it. */
    state: {
        state: LiveState;
    };
    /** The words of the current turn so far; the next `partial` or `final` replaces them. */
    partial: Caption;
    /** Words that will not change. They are saved under `seq`. */
    final: Caption & {
        seq: number;
    };
    /** A lease began: its place in the transcript, its seconds, what it holds, and the provider that transcribes. */
    lease: {
        startMs: number;
        leaseSeconds: number;
        endsInSeconds: number;
        creditsHeld: number;
        creditsPerMinute: number;
        provider: string;
    };
    /** A warning begins. `words_rejected` has the `count` of segments, and comes each time that some are refused. */
    warning: {
        code: WarningCode;
        count?: number;
    };
    /** All warnings that apply now, whenever one begins or ends. None applies to a session that has ended. */
    warnings: {
        codes: WarningCode[];
    };
    /**
     * The balance, with each lease. Show `available + held`. `endsInSeconds` is there when the credits do not cover another
     * lease: then the session ends so soon, unless credits are bought.
     */
    credits: {
        available: number;
        held: number;
        minutesLeft: number;
        endsInSeconds?: number;
    };
    /** No words exist of this part: nothing was fed, more was fed than is kept, or it could not be recognised. */
    uncovered: {
        startMs: number;
        endMs: number;
        reason: UncoveredReason;
    };
    /** The session has ended. `stopped` has what it cost, if the API could be reached. */
    ended: {
        reason: EndReason;
        stopped?: Schema<"Stopped">;
        error?: unknown;
    };
}
type Listener<Event> = (event: Event) => void;
/** Calls the listeners of events. */
declare class Emitter<Events> {
    #private;
    /** Calls `listener` at each event of this name. Returns what ends the calls. */
    on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void;
    /** The next event of this name. */
    once<Name extends keyof Events>(name: Name): Promise<Events[Name]>;
    /** A listener that throws keeps neither the others nor the session from going on. */
    protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void;
}

declare class LiveSession extends Emitter<LiveEvents> {
    #private;
    private readonly parts;
    constructor(parts: LiveParts, options?: LiveOptions);
    get state(): LiveState;
    get sessionId(): string | undefined;
    get transcriptId(): string | undefined;
    /**
     * Opens a session. Resolves when its first lease began; audio may be fed before. Throws ApiError, NetworkError: then it
     * may be called again, and charges nothing twice.
     */
    start(): Promise<void>;
    /**
     * Goes on after `pause`; or, in a new LiveSession, with the session of this id, which was interrupted by a closed
     * browser or a sleeping worker. Throws ApiError, NetworkError, SessionInUseError.
     */
    resume(sessionId?: string): Promise<void>;
    /** Adds audio: mono samples at the session's rate, 16-bit ones or from -1 to 1. Returns whether they are used. */
    feed(samples: Int16Array | Float32Array): boolean;
    /** Awaits and saves the last words, and closes the socket. The lease is billed until its end, `stop` or `resume`. */
    pause(): Promise<void>;
    /**
     * Awaits and saves the last words, then stops the session. Throws where the API could not be reached: see findOpen, and
     * stopUnansweredStart where it was still starting.
     */
    stop(): Promise<Schema<"Stopped"> | undefined>;
}

/** The live sessions of the account: new ones, those that were interrupted, and words that wait to be saved. */

/** A session that was not stopped. */
interface OpenSession {
    sessionId: string;
    transcriptId: string;
    /** `lapsed`: its lease has ended, so it costs nothing until it is resumed. */
    state: Schema<"OpenSession">["state"];
    creditsHeld: number;
    /** Whether a context of this browser runs it. If not, resume or stop it: its lease is billed. */
    isRunning: boolean;
}
/** How many captions `saveUnsaved` found, by their outcome. */
interface UnsavedCaptions {
    /** They are in their transcripts now. */
    saved: number;
    /** Their transcript was deleted or is closed for good, or they were refused: they are dropped. */
    lost: number;
    /** The API could not be reached, refuses the account or has no room now: they stay in the storage for the next call. */
    waiting: number;
}
declare class Live {
    #private;
    private readonly environment;
    private readonly stream;
    private readonly storage;
    private readonly auth;
    constructor(environment: Environment, stream: Stream, storage: KeyValueStorage, auth: Auth);
    /** A new session, which nothing has started yet: add listeners, then call `start` or `resume`. */
    create(options?: LiveOptions): LiveSession;
    /** The sessions that were not stopped, newest first. Look at them when the extension starts or wakes. */
    findOpen(): Promise<OpenSession[]>;
    /**
     * Stops what an interrupted start may have opened: its context was closed, or its answers were lost, so that nothing knows
     * the session. Call it when the extension starts or wakes. Throws ApiError, NetworkError, SessionInUseError.
     */
    stopUnansweredStart(): Promise<void>;
    /** Stops a session that nothing runs, with the words that an earlier run could not save. Throws SessionInUseError. */
    stop(sessionId: string, options?: RequestOptions): Promise<Schema<"Stopped">>;
    /**
     * Saves the captions that earlier runs could not save, such as those of sessions that ended without a network. Those whose
     * transcript is closed for good are dropped. Captions of a session that runs are its own, and not counted. An outbox that
     * the storage does not give out counts as one that waits.
     */
    saveUnsaved(): Promise<UnsavedCaptions>;
    /**
     * Stops all open sessions of the account, also those of other windows, which save their last words first. Throws the first
     * of what kept a session from being stopped, when all were tried. Nothing is stopped as another user, who signs in meanwhile.
     */
    stopAll(options?: RequestOptions): Promise<void>;
}

interface ProgressOptions {
    /** Gets the part that is done, from 0 to 1. */
    onProgress?: (progress: number) => void;
    signal?: AbortSignal;
}
/** Sends a multipart form. Resolves with the status; rejects where the network failed or `signal` was aborted. */
type SendForm = (url: string, form: FormData, options: ProgressOptions) => Promise<number>;
/** Uploads a recording; returns the `upload_id` for a catch-up. Throws ApiError, NetworkError, AbortedError. */
declare function upload(requests: Requests, file: Blob, options?: ProgressOptions, sendForm?: SendForm): Promise<string>;

/** The client of one API: the account, its sessions, catch-ups, history and credits. */

interface ClientOptions {
    /** The address of the API with its stage, such as `https://abc.execute-api.eu-central-1.amazonaws.com/api`. */
    baseUrl: string;
    /** Where the sign-in and unsaved words are kept: `chromeStorage()`, `bridgeStorage()`, or the memory by default. */
    storage?: KeyValueStorage;
    /** Parts of the surroundings to replace, such as `fetch`. */
    environment?: Partial<Environment>;
}
/** Creates a client. It sends nothing yet. */
declare function createClient(options: ClientOptions): Client;
declare class Client {
    readonly auth: Auth;
    readonly stream: Stream;
    readonly live: Live;
    readonly history: History;
    readonly credits: Credits;
    readonly catchups: Catchups;
    readonly requests: Requests;
    constructor({ baseUrl, storage, environment }: ClientOptions);
    /**
     * Calls any route of the API, typed by the contract: `client.request("GET", "/credits/balance")`.
     * Throws ApiError, NetworkError, AbortedError.
     */
    request<M extends Method, P extends PathOf<M>>(method: M, route: P, ...[input]: RouteArguments<M, P>): Promise<Answer<M, P>>;
    /** Uploads a recording; returns its `upload_id` for `catchUp`. */
    upload(file: Blob, options?: ProgressOptions): Promise<string>;
    /** Starts a catch-up and waits until it is done. */
    catchUp(body: Omit<Schema<"Catchup">, "quote">, options?: CatchupOptions): Promise<CatchupJob>;
    /** What a catch-up would cost. */
    quote(body: Omit<Schema<"Catchup">, "quote">, options?: RequestOptions): Promise<Schema<"Quote">>;
    /** Answers a question from a transcript. */
    ask(body: Schema<"Ask">, options?: RequestOptions): Promise<Schema<"AskAnswer">>;
}
type Input<M extends Method, P extends keyof paths> = RouteInput<M, P> & RequestOptions & {
    contentType?: string;
};
/** The last argument may be left out where a route needs nothing. */
type RouteArguments<M extends Method, P extends keyof paths> = Record<never, never> extends Input<M, P> ? [input?: Input<M, P>] : [input: Input<M, P>];

/** The errors of the SDK: a class for each code of the API, and classes for what is no answer of the API. */

/** An error answer of the API. `code` and `reason` are for programs, `message` is for people. */
declare class ApiError extends Error {
    readonly status: number;
    /** After how many seconds the same request may be sent again, where the API says so. */
    readonly retryAfterSeconds?: number | undefined;
    readonly name: string;
    readonly code: ErrorCode;
    /** Why, where the code alone does not say it: of every conflict and every refused token. */
    readonly reason: ErrorReason | undefined;
    readonly details: ErrorDetails;
    readonly requestId: string;
    constructor(status: number, body: Schema<"Error">, 
    /** After how many seconds the same request may be sent again, where the API says so. */
    retryAfterSeconds?: number | undefined);
}
/** A field of the request is missing or invalid: `details.field` is its path. */
declare class InvalidRequestError extends ApiError {
}
/** The token is missing, invalid or no longer accepted; `reason` says which. */
declare class UnauthenticatedError extends ApiError {
}
/** The email address, the password or the refresh token is wrong. */
declare class InvalidCredentialsError extends ApiError {
}
/** The balance does not cover the request. */
declare class InsufficientCreditsError extends ApiError {
    /** The credits that the request needs. */
    get required(): number;
    /** The credits that were available. */
    get available(): number;
}
/** Only administrators may call this. */
declare class ForbiddenError extends ApiError {
}
/** The email address has to be confirmed first. */
declare class EmailUnverifiedError extends ApiError {
}
/** An administrator blocked the account. */
declare class AccountBlockedError extends ApiError {
}
/** The API does not answer this page or extension: its origin is not in EXTENSION_ORIGIN. */
declare class OriginNotAllowedError extends ApiError {
}
/** There is no such object, or it belongs to another user. */
declare class NotFoundError extends ApiError {
}
/** Not possible in the current state: `reason` says why. */
declare class ConflictError extends ApiError {
}
/** The email address has an account. */
declare class EmailTakenError extends ApiError {
}
/** The Idempotency-Key was already used with a different body. */
declare class IdempotencyMismatchError extends ApiError {
}
/** The request or the answer is too large. */
declare class TooLargeError extends ApiError {
}
/** Too many requests: `retryAfterSeconds` says when the next one passes. */
declare class RateLimitedError extends ApiError {
}
/** A provider failed or was too slow. Nothing was charged. */
declare class ProviderFailedError extends ApiError {
}
/** No live provider that the client speaks is offered. */
declare class ProviderNotOfferedError extends ApiError {
}
/** The API cannot read this kind of file. */
declare class UnsupportedMediaTypeError extends ApiError {
}
/** A fault of the API. Name the `requestId` to its owner. */
declare class InternalError extends ApiError {
}
/** A webhook is not signed by its provider. No other request gets it. */
declare class InvalidSignatureError extends ApiError {
}
/** The service is temporarily unavailable. */
declare class UnavailableError extends ApiError {
}
/** No answer of the API arrived: the network failed, the time was up, or something else answered, such as a proxy. */
declare class NetworkError extends Error {
    /** After how many seconds the same request may be sent again, where the answer says so. */
    readonly retryAfterSeconds?: number | undefined;
    readonly name = "NetworkError";
    constructor(message: string, options?: ErrorOptions, 
    /** After how many seconds the same request may be sent again, where the answer says so. */
    retryAfterSeconds?: number | undefined);
}
/** The caller aborted the request. */
declare class AbortedError extends Error {
    readonly name = "AbortError";
    constructor();
}
/** Another context of this browser runs the session. */
declare class SessionInUseError extends Error {
    readonly name = "SessionInUseError";
    constructor();
}
/** The file is larger than an upload may be. */
declare class TooLargeFileError extends Error {
    readonly maxBytes: number;
    readonly name = "TooLargeFileError";
    constructor(maxBytes: number);
}
/** A catch-up failed. Nothing was charged; `job.error` says why. */
declare class CatchupFailedError extends Error {
    readonly job: Schema<"CatchupJob">;
    readonly name = "CatchupFailedError";
    constructor(job: Schema<"CatchupJob">);
}
/** The error that a response stands for. A body that is not the API's is that of a proxy, a gateway or a network's sign-in. */
declare function errorOf(response: Response): Promise<ApiError | NetworkError>;
/**
 * Whether a request has come to its end with this error. If not, it may have been processed or may still be: it is sent
 * again as it was, with its Idempotency-Key.
 */
declare function isDecided(error: unknown): boolean;
/**
 * Whether the Idempotency-Key of a request is done with. A refused account says nothing of an earlier try, whose answer was
 * lost.
 */
declare function isKeyUsed(error: unknown): boolean;
/** Whether the lease of this Idempotency-Key has ended, or another renewal followed it: a new key gets a new lease. */
declare function isKeyOutdated(error: unknown): boolean;
/** How long the API wants to be left alone after this error. */
declare function retryAfterMs(error: unknown): number;
/** Whether the account cannot go on here: it is signed out or blocked. */
declare function isAccountEnded(error: unknown): boolean;

export { AbortedError, AccountBlockedError, ApiError, AudioCapture, Auth, CatchupFailedError, Catchups, Client, ConflictError, Credits, EmailTakenError, EmailUnverifiedError, ForbiddenError, FrameMaker, History, IdempotencyMismatchError, InsufficientCreditsError, InternalError, InvalidCredentialsError, InvalidRequestError, InvalidSignatureError, Live, LiveSession, NetworkError, NotFoundError, OriginNotAllowedError, ProviderFailedError, ProviderNotOfferedError, RateLimitedError, Resampler, SessionInUseError, Stream, TooLargeError, TooLargeFileError, UnauthenticatedError, UnavailableError, UnsupportedMediaTypeError, bridgeStorage, captureAudio, captureMicrophone, captureTab, chromeStorage, createClient, defaultEnvironment, errorOf, isAccountEnded, isDecided, isKeyOutdated, isKeyUsed, memoryStorage, retryAfterMs, serveStorage, tabStreamId, upload };
export type { Answer, Balance, BuyOptions, Caption, CaptureOptions, CaptureSource, CaptureSources, CatchupJob, CatchupOptions, ClientOptions, EndReason, Environment, ErrorCode, ErrorReason, ExportFormat, ExportedFile, HistoryFilter, KeyValueStorage, LiveEvents, LiveOptions, LiveState, Locks, Method, OpenSession, PathOf, ProgressOptions, Purchase, RequestOptions, RouteInput, Schema, Segment, SendForm, SignOutReason, SignedInUser, SocketLike, Transcript, UnsavedCaptions, WarningCode, components, operations, paths };
export as namespace LiveTranscription;
