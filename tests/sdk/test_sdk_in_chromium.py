"""The files of the browser SDK in Chromium: as a script and as a module, with their audio worklet."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from scripts.browser import Page
from tests.browsing import open_browser
from tests.sdk.toolchain import SDK

# A microphone that beeps, and no question whether it may be used or sound may be played.
FLAGS = (
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
FRAMES = 12
LOAD = {
    "script": """await new Promise((loaded, failed) => {
      const script = document.createElement("script");
      Object.assign(script, { src: "/live-transcription.js", onload: loaded, onerror: failed });
      document.head.append(script);
    });
    const sdk = LiveTranscription;""",
    "module": "const sdk = await import('/live-transcription.mjs');",
}
# A tone of 440 Hz as another source; what arrives is measured by its zero crossings.
CAPTURE = """async () => {
  %s
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 440 });
  const stream = context.createMediaStreamDestination();
  tone.connect(stream);
  tone.start();
  const capture = async (sources, sampleRate) => {
    const frames = [];
    let enough;
    const done = new Promise((resolve) => { enough = resolve; });
    const onFrame = (frame) => { if (frames.push([...frame]) === %d) enough(); };
    const running = await sdk.captureAudio(sources, { sampleRate, onFrame });
    await done;
    await running.stop();
    return frames;
  };
  const both = { streams: [stream.stream], microphone: true };
  return { tone: await capture({ streams: [stream.stream] }, 16000), both: await capture(both, 24000) };
}"""


# A device that is not there is refused as a person may refuse the microphone; another source was captured before.
REFUSED = """async () => {
  %s
  const devices = navigator.mediaDevices;
  const own = await devices.getUserMedia({ audio: true });
  const open = devices.getUserMedia.bind(devices);
  let microphone;
  devices.getUserMedia = async (constraints) => microphone = await open(constraints);
  const frames = [];
  const ended = [];
  let first;
  const received = new Promise((resolve) => { first = resolve; });
  const onFrame = (frame) => { frames.push(frame.length); first(); };
  const onEnded = (source) => ended.push(source === own ? "own" : source);
  const capture = await sdk.captureAudio({ streams: [own], microphone: true }, { frameMs: 50, onFrame, onEnded });
  await received;
  const [track] = own.getAudioTracks();
  for (const stream of [own, microphone]) stream.getAudioTracks()[0].dispatchEvent(new Event("ended"));
  await capture.stop();
  microphone = undefined;
  const lengths = [];
  for (const frameMs of [49, 101, NaN]) {
    await sdk.captureMicrophone({ onFrame, frameMs }).catch(({ name }) => lengths.push(name));
  }
  const isAsked = microphone !== undefined;
  const refused = await sdk.captureMicrophone({ onFrame }, { deviceId: { exact: "none" } }).catch(({ name }) => name);
  return { frameLength: frames[0], ended, track: track.readyState, lengths, isAsked, refused };
}"""


class QuietHandler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def log_message(self, *_: object) -> None:
        """Nothing is written about requests."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(SDK / "dist"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_browser(tmp_path_factory, flags=FLAGS) as opened:
        yield opened


@pytest.mark.parametrize("kind", LOAD)
def test_sound_is_captured_as_frames_of_the_sessions_rate(kind: str, page: Page, address: str) -> None:
    page.go(f"{address}/")

    frames = page.run(CAPTURE % (LOAD[kind], FRAMES))

    assert {len(frame) for frame in frames["tone"]} == {1_600}
    assert {len(frame) for frame in frames["both"]} == {2_400}
    # The first frames may hold the silence before the tone.
    samples = [sample for frame in frames["tone"][4:FRAMES] for sample in frame]
    crossings = sum(1 for first, second in pairwise(samples) if first < 0 <= second)
    assert abs(crossings / (len(samples) / 16_000) - 440) < 8
    assert max(samples) > 25_000


def test_a_capture_reports_its_end_releases_its_sources_and_may_be_refused(page: Page, address: str) -> None:
    page.go(f"{address}/")

    assert page.run(REFUSED % LOAD["module"]) == {
        "frameLength": 800,
        "ended": ["own", "microphone"],
        "track": "ended",
        "lengths": ["RangeError"] * 3,
        "isAsked": False,
        "refused": "OverconstrainedError",
    }


def test_the_files_hold_what_the_types_name() -> None:
    names = {path.name for path in (SDK / "dist").iterdir()}

    assert names == {"live-transcription.d.ts", "live-transcription.js", "live-transcription.mjs"}
    for name in names:
        assert "sourceMappingURL" not in Path(SDK / "dist" / name).read_text(encoding="utf-8")
