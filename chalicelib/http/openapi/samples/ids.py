"""The ids and times that examples have in common."""

SESSION, JOB, USER = "5a1de7d4-1c5e-4c8e-9f0a-6f1b2c3d4e5f", "9b2f0c1e-7d3a-4f6b-8e21-0a9c8b7d6e5f", "7c9e6679-ada1"
TRANSCRIPT, UPLOAD = "01JDH8Z3V5W7XK2M4N6P8Q0R1S", "0c8d4d4a-3f52-4a39-8a52-7d2f7c9a1b3e"
ACTION, PURCHASE = "01JDH90A1B2C3D4E5F6G7H8J9K", "3f2a1b0c-9d8e-4f7a-8b6c-5d4e3f2a1b0c"
CURSOR = "RU5UUlkjMDFKREg4.k3Jx0uQ"
STARTED, ENDED = "2026-11-30T10:00:00Z", "2026-11-30T10:10:00Z"
SHARED_ADDRESS = "https://api.example.com/shared/the-token-of-this-transcript"
