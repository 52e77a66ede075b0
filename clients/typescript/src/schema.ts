// Made from docs/openapi.json by `npm run generate`; not to be changed by hand.

export interface paths {
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
         * Open an account
         * @description 201; 400 bad words or weak password, 409 email taken.
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
         * Confirm the address with the mailed code; brings the free credits
         * @description 200; 400 wrong code.
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
         * Mail the code again
         * @description 200 whether or not there is such an account.
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
        /**
         * Tokens for a password
         * @description 200; 401 wrong, 403 unconfirmed or blocked.
         */
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
         * New tokens for a refresh token
         * @description 200; 401 revoked or over.
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
         * End every sign-in of the account, at once
         * @description 200.
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
        /**
         * The caller's profile and credits
         * @description 200.
         */
        get: operations["user"];
        put?: never;
        post?: never;
        /**
         * Refuse the account from now on, and have all that is kept of it erased, but its books
         * @description 202.
         */
        delete: operations["delete_user"];
        options?: never;
        head?: never;
        /**
         * Change the caller's name
         * @description 200; 400 bad words.
         */
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
         * Mail a code for a new password
         * @description 200 whether or not there is such an account.
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
         * Set a password with the mailed code; every earlier sign-in ends
         * @description 200; 400 wrong code.
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
         * Have all that is kept of the caller put into one file; answers the export that runs, if one does
         * @description 202.
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
        /**
         * How far an export is; when done, where its file is for some minutes
         * @description 200; 404 none, another user's, or over.
         */
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
         * Start (201), renew, save to or stop (200) a live session, told apart by `action`
         * @description 402 no credits, 409 not now.
         */
        post: operations["stream"];
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
         * The words of one chunk of a relay session
         * @description 200; 400 bad audio, 409 lease over or used up, 502-504 provider.
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
         * A form that sends one recording of at most 500 MB within 15 minutes
         * @description 201; 400 no media type.
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
         * Have a range summarised
         * @description 202; 200 for a quote; 400 bad range or address, 402 no credits, 404 no such source.
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
        /**
         * How far a catch-up is; when done, the summary
         * @description 200; 404 none, or another user's.
         */
        get: operations["catchup_job"];
        put?: never;
        post?: never;
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
        /**
         * A question answered from a transcript
         * @description 200; 402 no credits, 404 no such transcript, 409 no words yet.
         */
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
         * The caller's transcripts, newest first, a page at a time, by kind and time
         * @description 200; 400 foreign cursor.
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
    "/transcription/history/{transcript_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One transcript whole, with what it covers
         * @description 200; 404 none, or another user's.
         */
        get: operations["transcript"];
        put?: never;
        post?: never;
        /**
         * Forget a transcript and its session
         * @description 200; 404 none, 409 the session runs.
         */
        delete: operations["delete_transcript"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/transcription/history/{transcript_id}/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One transcript as a file: srt, vtt, txt or json
         * @description 200; 404 none, 413 longer than an answer may be.
         */
        get: operations["export"];
        put?: never;
        post?: never;
        delete?: never;
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
        /**
         * What the caller has, what is held, and the totals
         * @description 200.
         */
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
         * Every movement of the caller's credits, explained, newest first; as JSON or CSV
         * @description 200; 400 foreign cursor.
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
    "/credits/packages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What credits cost
         * @description 200.
         */
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
         * A checkout for a package
         * @description 201; 400 no such package or foreign address, 409 key used, 502-504 payment service.
         */
        post: operations["purchase"];
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
        /**
         * What the caller used, day by day
         * @description 200; 400 bad range.
         */
        get: operations["usage"];
        put?: never;
        post?: never;
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
         * What the service earns and costs, day by day; as JSON or CSV
         * @description Needs the group `admins`. 200; 400 bad range, 403 no administrator.
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
         * Give a user credits, or take some back, with a reason
         * @description Needs the group `admins`. 200; 400 nothing, 404 no such user, 409 key used.
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
         * Accounts and their credits, a page at a time, by address or id
         * @description Needs the group `admins`. 200; 400 foreign cursor.
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
         * Refuse every call of an account from now on
         * @description Needs the group `admins`. 200, also twice; 404 no such user.
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
         * Let an account call again
         * @description Needs the group `admins`. 200, also twice; 404 no such user.
         */
        post: operations["unblock"];
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
         * What the last audit found, how far the running one is, what admins did
         * @description Needs the group `admins`. 200; 403 no administrator.
         */
        get: operations["last_audit"];
        put?: never;
        /**
         * Have every balance worked out anew; answers the audit that runs, if one does
         * @description Needs the group `admins`. 202; 403 no administrator.
         */
        post: operations["start_audit"];
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
        /**
         * This contract as OpenAPI 3.1
         * @description 200.
         */
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
        /**
         * Alive, with stage and build
         * @description 200.
         */
        get: operations["health"];
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
         * The provider has ended a transcript
         * @description 200, any number of times; 400 wrong secret.
         */
        post: operations["assemblyai_webhook"];
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
         * What the payment system tells
         * @description 200, any number of times; 400 not signed by it; 503 to hear it again.
         */
        post: operations["stripe_webhook"];
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
        /**
         * The owner's dashboard, which asks for a sign-in
         * @description 200.
         */
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
        /**
         * What the dashboard is made of
         * @description 200; 404 no such file.
         */
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
        /**
         * The reference of this API, to read and to try
         * @description 200.
         */
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
        /**
         * What the reference is made of
         * @description 200; 404 no such file.
         */
        get: operations["reference_asset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Every error has this shape. */
        Error: {
            /**
             * @description What happened, for programs.
             * @enum {string}
             */
            code: "account_blocked" | "conflict" | "email_taken" | "email_unverified" | "forbidden" | "idempotency_mismatch" | "insufficient_credits" | "internal_error" | "invalid_credentials" | "invalid_request" | "invalid_signature" | "not_found" | "origin_not_allowed" | "provider_error" | "provider_timeout" | "rate_limited" | "too_large" | "unauthenticated" | "unavailable" | "unsupported_media_type";
            /** @description What happened, for people. */
            message: string;
            /** @description The same as in the header X-Request-Id; in our log, too. */
            request_id: string;
            /** @description What is needed to act: `field` is the path of what is wrong in a request. */
            details?: {
                [key: string]: number | string | boolean | null;
            };
        };
        /** @description The account is refused from now on; `job_id` names what erases it, for questions to the owner. */
        AccountDeleted: {
            deleted: boolean;
            job_id: string;
        };
        /**
         * @description `status`: running, done or failed. When done, `url` opens the file until `url_expires_at`; ask again for another
         *         address, until `available_until`.
         */
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
        /** @description Users with a movement of use in the last day, week and thirty days before the audit. */
        ActiveUsers: {
            day: number;
            week: number;
            month: number;
        };
        /** @description `before` and `after`: what was changed, such as {"available": 200} and {"blocked": true}. */
        AdminAction: {
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
            lifetime_granted: number;
            lifetime_purchased: number;
            lifetime_used: number;
            name?: string;
        };
        AdminUsers: {
            users: components["schemas"]["AdminUser"][];
            next_cursor: string | null;
        };
        Ask: {
            question: string;
            transcript_id?: string | null;
            session_id?: string | null;
        };
        /** @description An answer from the transcript alone, with the moments it rests on; none of these where it does not say it. */
        AskAnswer: {
            answered: boolean;
            answer: string;
            quotes: components["schemas"]["Quoted"][];
            transcript_id: string;
            credits_used: number;
            credits_available: number;
            /** @default true */
            is_whole?: boolean;
        };
        /** @description One thing that is not as it should be. `kind` is one of docs/operations.md's list. */
        AuditFinding: {
            /** @enum {string} */
            kind: "balance_differs" | "charge_differs" | "cost_differs" | "day_differs" | "entry_doubled" | "entry_missing" | "grant_doubled" | "granted_not_paid" | "held_differs" | "hold_index" | "hold_overcharged" | "hold_stuck" | "lifetime_differs" | "negative_available" | "paid_not_granted" | "price_version_unknown" | "purchase_differs" | "taken_differs" | "totals_differ" | "unreadable";
            message: string;
            user_id?: string;
            reference?: string;
        };
        /** @description `status`: `running`, `done` or `failed`. `users_moving`: not judged, because they were being written to. */
        AuditReport: {
            audit_id: string;
            /** @enum {string} */
            status: "done" | "failed" | "running";
            /** Format: date-time */
            started_at: string;
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
        Buy: {
            package_id: string;
            success_url?: string | null;
            cancel_url?: string | null;
        };
        /** @description A range of one source: an upload, a public address, or a live session's saved words. */
        Catchup: {
            upload_id?: string | null;
            audio_url?: string | null;
            session_id?: string | null;
            from_ms?: number | null;
            to_ms?: number | null;
            minutes?: number | null;
            language?: string;
            title?: string;
            /** @default false */
            quote?: boolean;
        };
        /** @description A catch-up: what it costs and how far it is; when done, what was missed. */
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
            summary?: string;
            key_moments?: components["schemas"]["KeyMoment"][];
            summary_is_whole?: boolean;
            error?: components["schemas"]["JobError"];
        };
        /** @description Where to pay. `credits` come when the payment is in, which may be after the buyer is back. */
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
        Confirm: {
            email: string;
            code: string;
        };
        Confirmed: {
            confirmed: boolean;
            free_credits: number;
            free_credits_reason?: string;
        };
        /**
         * @description Money in micro-USD. Margin: revenue less what providers and the payment service take.
         *
         *         `credits_used` were spent by users, `credits_sold` and `credits_given` came in, `credits_taken_back` went again.
         */
        CostSums: {
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
        /** @description `counted_until`: the moment of the newest movement that is counted; totals run a moment behind. */
        Costs: {
            /** Format: date */
            from: string;
            /** Format: date */
            to: string;
            counted_until: string;
            totals: components["schemas"]["CostSums"];
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
            lifetime_granted: number;
            lifetime_purchased: number;
            lifetime_used: number;
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
        DayCost: {
            /** Format: date */
            date: string;
            sums: components["schemas"]["CostSums"];
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
        ForgotPassword: {
            email: string;
        };
        /** @description `credits` below zero are taken back; never zero. */
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
        HistoryLine: {
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
        };
        HistoryPage: {
            items: components["schemas"]["HistoryLine"][];
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
        /** @description The last audit that ended, the one that runs, and what admins did lately, newest first. */
        LastAudit: {
            report: components["schemas"]["AuditReport"] | null;
            running: components["schemas"]["AuditReport"] | null;
            actions: components["schemas"]["AdminAction"][];
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
            websocket_url?: string;
            token?: string;
            /** Format: date-time */
            token_expires_at?: string;
        };
        /** @description Of the live sessions whose extension said at its stop how long the provider's socket was open. */
        LiveSeconds: {
            sessions: number;
            billed_seconds: number;
            client_reported_seconds: number;
            difference_seconds: number;
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
        /** @description What one model really did for one service. */
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
        ModelUse: {
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
        /** @description A body that may be left out, or be `{}`. */
        Nothing: Record<string, never>;
        Notified: {
            received: boolean;
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
        /** @description `open`: the oldest first, at most 100. `is_complete` is false where there were too many to count them all. */
        OpenHolds: {
            count: number;
            credits: number;
            overdue: number;
            is_complete: boolean;
            open: components["schemas"]["OpenHold"][];
        };
        /** @description Credits that users have and have not used, and the most they could be worth: at the dearest package's price. */
        Outstanding: {
            credits: number;
            liability_cents: number;
        };
        PackageOut: {
            id: string;
            credits: number;
            cents: number;
            currency: string;
        };
        Packages: {
            packages: components["schemas"]["PackageOut"][];
            price_version: string;
        };
        PasswordReset: {
            reset: boolean;
        };
        /** @description What the range would cost at most; nothing was held. */
        Quote: {
            credits: number;
            credits_available: number;
            from_ms: number;
            to_ms: number;
            price_version: string;
        };
        Quoted: {
            start_ms: number;
            end_ms: number;
            text: string;
            speaker?: string;
        };
        /** @description What became of an event: `applied`, or `ignored` and why. */
        Received: {
            received: boolean;
            /** @enum {string} */
            outcome: "applied" | "ignored";
            reason?: string;
        };
        Refresh: {
            refresh_token: string;
        };
        Register: {
            email: string;
            password: string;
            name?: string;
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
        Renew: {
            /** @constant */
            action: "renew";
            session_id: string;
            /** @default false */
            interrupted?: boolean;
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
            segments: components["schemas"]["Segment"][];
        };
        Saved: {
            seconds_left: number;
            warnings: ("credits_low" | "lease_ending" | "no_audio")[];
        };
        /** @description A piece of transcript that the extension saves. */
        Segment: {
            seq: number;
            start_ms: number;
            end_ms: number;
            text: string;
            speaker?: string;
        };
        SegmentOut: {
            seq: number;
            start_ms: number;
            end_ms: number;
            text: string;
            speaker?: string;
        };
        /** @description `value_micro_usd`: what the credits used would bring at the cheapest package's price. */
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
        /** @description Why somebody is blocked, or unblocked. */
        Standing: {
            reason: string;
        };
        StandingChanged: {
            user_id: string;
            is_blocked: boolean;
        };
        Start: {
            /** @constant */
            action: "start";
            /**
             * @default direct
             * @enum {string}
             */
            transport?: "direct" | "relay";
            language?: string;
            title?: string;
            source_url?: string;
            sample_rate?: (8000 | 16000 | 22050 | 24000 | 32000 | 44100 | 48000) | null;
            lease_seconds?: number | null;
            key_terms?: string[];
        };
        /** @description `recount`: also count movements that the running totals missed, as after a long outage. */
        StartAudit: {
            /** @default false */
            recount?: boolean;
        };
        Stop: {
            /** @constant */
            action: "stop";
            session_id: string;
            provider_session_seconds?: number | null;
        };
        Stopped: {
            session_id: string;
            transcript_id: string;
            billed_seconds: number;
            credits_used: number;
            credits_available: number;
        };
        /** @description What somebody missed in a range, as they once asked. */
        SummaryOut: {
            job_id: string;
            from_ms: number;
            to_ms: number;
            summary: string;
            key_moments: components["schemas"]["KeyMoment"][];
            /** @default true */
            is_whole?: boolean;
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
            models?: components["schemas"]["ModelUse"][];
        };
        Transactions: {
            transactions: components["schemas"]["Transaction"][];
            next_cursor: string | null;
        };
        TranscriptDeleted: {
            deleted: boolean;
        };
        /** @description What a provider says; it may say more, which is not looked at. */
        TranscriptEnded: {
            transcript_id: string;
            status?: string;
        };
        TranscriptWhole: {
            transcript: components["schemas"]["HistoryLine"];
            segments: components["schemas"]["SegmentOut"][];
            covered: components["schemas"]["Interval"][];
            uncovered: components["schemas"]["Interval"][];
            summaries?: components["schemas"]["SummaryOut"][];
            next_cursor?: string | null;
        };
        /** @description What of a profile may be changed; an empty name takes it away. */
        UpdateUser: {
            name: string;
        };
        /** @description A form to send by POST as multipart: all `fields` first, the `file` last. */
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
        /** @description `days`: every day of the range, also those without use; `services`: every service we have. */
        Usage: {
            /** Format: date */
            from: string;
            /** Format: date */
            to: string;
            totals: components["schemas"]["UsageSums"];
            services: components["schemas"]["ServiceUsage"][];
            days: components["schemas"]["DayUsage"][];
        };
        /** @description `uses`: how many settlements there were, such as leases, catch-ups and questions. */
        UsageSums: {
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
    };
    responses: {
        /** @description `account_blocked`: An administrator blocked the account. `email_unverified`: The password is right but the address is not confirmed yet. `origin_not_allowed`: A browser page other than the extension's or our own is calling. */
        AccountBlockedOrEmailUnverifiedOrOriginNotAllowed: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "account_blocked" | "email_unverified" | "origin_not_allowed";
                };
            };
        };
        /** @description `account_blocked`: An administrator blocked the account. `forbidden`: This is for administrators. `origin_not_allowed`: A browser page other than the extension's or our own is calling. */
        AccountBlockedOrForbiddenOrOriginNotAllowed: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "account_blocked" | "forbidden" | "origin_not_allowed";
                };
            };
        };
        /** @description `account_blocked`: An administrator blocked the account. `origin_not_allowed`: A browser page other than the extension's or our own is calling. */
        AccountBlockedOrOriginNotAllowed: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "account_blocked" | "origin_not_allowed";
                };
            };
        };
        /** @description `conflict`: The state of things does not allow this now; `details` say what is in the way. */
        Conflict: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "conflict";
                };
            };
        };
        /** @description `conflict`: The state of things does not allow this now; `details` say what is in the way. `idempotency_mismatch`: The same key, or the same sequence number, came before with another body. */
        ConflictOrIdempotencyMismatch: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                "Retry-After": components["headers"]["RetryAfterWhereItHelps"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "conflict" | "idempotency_mismatch";
                };
            };
        };
        /** @description `email_taken`: An account with this address exists. */
        EmailTaken: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "email_taken";
                };
            };
        };
        /** @description `insufficient_credits`: The balance cannot cover the hold. */
        InsufficientCredits: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "insufficient_credits";
                };
            };
        };
        /** @description `internal_error`: A bug of ours. Never carries an exception's text. */
        InternalError: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "internal_error";
                };
            };
        };
        /** @description `invalid_credentials`: The email and password, or the refresh token, do not open an account. `unauthenticated`: No token, a bad token, or one from before the last sign-out. */
        InvalidCredentialsOrUnauthenticated: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "invalid_credentials" | "unauthenticated";
                };
            };
        };
        /** @description `invalid_request`: The request breaks the contract; `field` is the path of what is wrong, such as `segments[3].end_ms`. */
        InvalidRequest: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "invalid_request";
                };
            };
        };
        /** @description `invalid_request`: The request breaks the contract; `field` is the path of what is wrong, such as `segments[3].end_ms`. `invalid_signature`: Who calls does not know what only the right caller can. */
        InvalidRequestOrInvalidSignature: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "invalid_request" | "invalid_signature";
                };
            };
        };
        /** @description `invalid_signature`: Who calls does not know what only the right caller can. */
        InvalidSignature: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "invalid_signature";
                };
            };
        };
        /** @description `not_found`: There is no such thing, or it is another user's. */
        NotFound: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "not_found";
                };
            };
        };
        /** @description `origin_not_allowed`: A browser page other than the extension's or our own is calling. */
        OriginNotAllowed: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "origin_not_allowed";
                };
            };
        };
        /** @description `provider_error`: A provider refused, or answered nonsense. */
        ProviderError: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "provider_error";
                };
            };
        };
        /** @description `provider_timeout`: A provider did not answer in time. */
        ProviderTimeout: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "provider_timeout";
                };
            };
        };
        /** @description `rate_limited`: Too many calls; try again after `retry_after_seconds`. */
        RateLimited: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
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
        /** @description `too_large`: The body is larger than the route takes. */
        TooLarge: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "too_large";
                };
            };
        };
        /** @description `unauthenticated`: No token, a bad token, or one from before the last sign-out. */
        Unauthenticated: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
                [name: string]: unknown;
            };
            content: {
                "application/json": components["schemas"]["Error"] & {
                    /** @enum {unknown} */
                    code: "unauthenticated";
                };
            };
        };
        /** @description `unavailable`: Our own infrastructure failed. */
        Unavailable: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
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
        /** @description `unsupported_media_type`: The body is of a type that the route does not take. */
        UnsupportedMediaType: {
            headers: {
                "X-Request-Id": components["headers"]["RequestId"];
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
        /** @description Names this request in our log. */
        RequestId: string;
        /** @description Seconds to wait before the same request may work. */
        RetryAfter: number;
        /** @description Seconds to wait, where the same request may work then. */
        RetryAfterWhereItHelps: number;
        /** @description Where the next page starts; missing at the end. */
        NextCursor: string;
        /** @description Changes with the content. */
        ETag: string;
        /** @description The name to save it under. */
        ContentDisposition: string;
        /** @description How many calls of this kind the account, or before sign-in the address, may make at once. */
        RateLimitLimit: number;
        /** @description How many are left. */
        RateLimitRemaining: number;
        /** @description Seconds until all are there again. */
        RateLimitReset: number;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
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
            401: components["responses"]["InvalidCredentialsOrUnauthenticated"];
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
            401: components["responses"]["InvalidCredentialsOrUnauthenticated"];
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
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description `LoggedOut` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
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
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
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
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AccountDeleted"];
                };
            };
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
                "application/json": components["schemas"]["Nothing"];
            };
        };
        responses: {
            /** @description `AccountExport` */
            202: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
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
                 * @description Names this request: sent again with the same body, it is done once and answered the same.
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
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Lease"];
                };
            };
            400: components["responses"]["InvalidRequest"];
            401: components["responses"]["Unauthenticated"];
            402: components["responses"]["InsufficientCredits"];
            403: components["responses"]["AccountBlockedOrOriginNotAllowed"];
            404: components["responses"]["NotFound"];
            409: components["responses"]["ConflictOrIdempotencyMismatch"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["ProviderError"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["ProviderTimeout"];
        };
    };
    relay_audio: {
        parameters: {
            query: {
                /** @example 0 */
                seq: number;
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
                "audio/pcm": Blob | ArrayBuffer | Uint8Array<ArrayBuffer>;
            };
        };
        responses: {
            /** @description `Chunk` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
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
            409: components["responses"]["ConflictOrIdempotencyMismatch"];
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
                 * @description Names this request: sent again with the same body, it is done once and answered the same.
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
            409: components["responses"]["ConflictOrIdempotencyMismatch"];
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
    ask: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Names this request: sent again with the same body, it is done once and answered the same.
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
            409: components["responses"]["ConflictOrIdempotencyMismatch"];
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
            /** @description `TranscriptWhole` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TranscriptWhole"];
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
            409: components["responses"]["Conflict"];
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
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreditBalance"];
                };
            };
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
                 * @description Names this request: sent again with the same body, it is done once and answered the same.
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
            409: components["responses"]["ConflictOrIdempotencyMismatch"];
            413: components["responses"]["TooLarge"];
            415: components["responses"]["UnsupportedMediaType"];
            429: components["responses"]["RateLimited"];
            500: components["responses"]["InternalError"];
            502: components["responses"]["ProviderError"];
            503: components["responses"]["Unavailable"];
            504: components["responses"]["ProviderTimeout"];
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
                 * @description Names this request: sent again with the same body, it is done once and answered the same.
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
            409: components["responses"]["ConflictOrIdempotencyMismatch"];
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
            /** @description `AdminUsers` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AdminUsers"];
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
                "application/json": components["schemas"]["Standing"];
            };
        };
        responses: {
            /** @description `StandingChanged` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StandingChanged"];
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
                "application/json": components["schemas"]["Standing"];
            };
        };
        responses: {
            /** @description `StandingChanged` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StandingChanged"];
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
                    "RateLimit-Limit": components["headers"]["RateLimitLimit"];
                    "RateLimit-Remaining": components["headers"]["RateLimitRemaining"];
                    "RateLimit-Reset": components["headers"]["RateLimitReset"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LastAudit"];
                };
            };
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
    openapi_document: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of what you have. */
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
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": unknown;
                };
            };
            /** @description You have it. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
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
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            403: components["responses"]["OriginNotAllowed"];
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
            /** @description `Notified` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Notified"];
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
    stripe_webhook: {
        parameters: {
            query?: never;
            header: {
                "Stripe-Signature": string;
            };
            path?: never;
            cookie?: never;
        };
        /** @description As it was signed. */
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description `Received` */
            200: {
                headers: {
                    "X-Request-Id": components["headers"]["RequestId"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Received"];
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
    dashboard: {
        parameters: {
            query?: never;
            header?: {
                /** @description The ETag of what you have. */
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
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description You have it. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
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
                /** @description The ETag of what you have. */
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
            /** @description You have it. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
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
                /** @description The ETag of what you have. */
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
                    ETag: components["headers"]["ETag"];
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description You have it. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
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
                /** @description The ETag of what you have. */
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
            /** @description You have it. */
            304: {
                headers: {
                    ETag: components["headers"]["ETag"];
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
}
