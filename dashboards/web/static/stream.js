// The live connection: server-sent events while the page is seen, none while it is hidden.

const SILENT_MS = 5000; // the server speaks every two seconds; longer silence is a lost server

/** Calls `on.panel(answer)`, `on.state(state)` and `on.live(word)`: live, stale, lost or paused. */
export function connect(url, on) {
  let source = null;
  let heard = 0;
  let timer = null;

  function hear(word) {
    heard = Date.now();
    on.live(word);
  }

  function open() {
    close();
    heard = Date.now();
    source = new EventSource(url);
    source.addEventListener("panel", (event) => on.panel(JSON.parse(event.data)));
    source.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      on.state(state);
      hear(state.database === "up" ? "live" : "stale");
    });
    source.addEventListener("error", () => on.live("lost"));
    timer = setInterval(() => {
      if (Date.now() - heard > SILENT_MS) {
        on.live("lost");
        open(); // the browser gives up on some errors; a new connection does not
      }
    }, 1000);
  }

  function close() {
    clearInterval(timer);
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
      on.live("paused");
    } else {
      open();
    }
  });
  if (document.hidden) on.live("paused");
  else open();
}
