// Search from the disk. Browsers refuse `new Worker("file://...")`, and the theme's search is a worker. On a page that was
// opened from the disk, run the script in a hidden frame of the same page; `search_index.js` (plugin `offline`) has the index.
// The name of this file keeps the plugin from loading a shim from unpkg.com.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = `<script src="${new URL(url, document.baseURI).href}"></scr` + "ipt>";
      this.ready = new Promise((resolve) => {
        frame.addEventListener("load", () => {
          frame.contentWindow.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
          resolve(frame.contentWindow);
        });
      });
      document.documentElement.append(frame);
    }
    postMessage(data) {
      this.ready.then((scope) => scope.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
