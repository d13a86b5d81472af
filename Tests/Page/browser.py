"""A headless Chromium on the page: what is there, what is pressed, and what must never appear in the console."""

import base64
import json
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from daemons import Failed

WAIT_SECONDS = 20


class Browser:
    def __init__(self, address, folder, axe=None):
        self.address, self.folder, self.axe = address, folder, axe
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for word in ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--force-color-profile=srgb",
                     "--window-size=1280,900", "--hide-scrollbars", "--disable-background-networking"]:
            options.add_argument(word)
        options.add_experimental_option("prefs", {"download.default_directory": str(folder), "download.prompt_for_download": False})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService("/usr/bin/chromedriver"))
        self.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
        # Violations are told to scripts as well as to the console: neither may have any.
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
            window.violations = [];
            document.addEventListener('securitypolicyviolation', (event) =>
                window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"""})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    # What is there.

    def find(self, selector, text=None):
        """The first that is shown, and has the text in it."""
        for node in self.driver.find_elements(By.CSS_SELECTOR, selector):
            try:
                if node.is_displayed() and (text is None or text in node.text):
                    return node
            except StaleElementReferenceException:
                continue
        return None

    def wait(self, selector, text=None, seconds=WAIT_SECONDS):
        return self.until(lambda: self.find(selector, text), f"{selector} {text or ''}", seconds)

    def gone(self, selector, text=None):
        return self.until(lambda: self.find(selector, text) is None, f"{selector} {text or ''} to go")

    def until(self, condition, what, seconds=WAIT_SECONDS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                found = condition()
                if found:
                    return found
            except (StaleElementReferenceException, WebDriverException):
                pass
            time.sleep(0.05)
        self.picture("failed", 1280)
        raise Failed(f"the page never had {what}; it shows: {self.driver.find_element(By.TAG_NAME, 'main').text[:800]}")

    def text(self, selector="main"):
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    # What is done.

    def press(self, selector, text=None):
        def attempt():
            node = self.find(selector, text)
            if node is None or not node.is_enabled():
                return False
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", node)
            node.click()
            return True
        self.until(attempt, f"{selector} {text or ''} to press")

    def write(self, selector, text):
        node = self.wait(selector)
        node.send_keys(Keys.CONTROL, "a")
        node.send_keys(text)

    def keys(self, *keys):
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def open(self, fragment="#/"):
        self.driver.get("about:blank")
        self.driver.get(self.address + "/" + fragment)

    def sign_in(self, token):
        self.driver.delete_all_cookies()
        self.open()
        self.write("#token", token)
        self.press("form button[type=submit]")
        self.gone("#token")

    def drop(self, selector, files):
        """Drops files that are made in the page, as a drop from elsewhere would bring them."""
        listed = [(name, base64.b64encode(content).decode(), kind) for name, content, kind in files]
        self.driver.execute_script("""
            const transfer = new DataTransfer();
            for (const [name, content, type] of arguments[1]) {
              const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
              transfer.items.add(new File([bytes], name, {type}));
            }
            const place = document.querySelector(arguments[0]);
            for (const kind of ['dragenter', 'dragover', 'drop'])
              place.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
            """, selector, listed)

    def fetch(self, method, path, headers=None, body=None):
        """As a script in the page would: status and text."""
        return self.driver.execute_async_script("""
            const [method, path, headers, body, done] = arguments;
            fetch(path, {method, headers, body}).then(async (answer) => done([answer.status, await answer.text()]),
              (error) => done([0, String(error)]));""", method, path, headers or {}, body)

    # What it looks like.

    def scheme(self, name):
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def width(self, pixels):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": pixels < 600})

    def picture(self, name, width, height_max=3000):
        self.width(width)
        time.sleep(0.15)
        height = min(height_max, self.driver.execute_script("return document.documentElement.scrollHeight"))
        found = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "png", "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}})
        path = self.folder / f"{name}-{width}.png"
        path.write_bytes(base64.b64decode(found["data"]))
        return path

    def overflow(self):
        """Pixels by which the page is wider than what shows it."""
        return self.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")

    # What must not be there.

    def console(self):
        """What is in the console since the last time, but for answers that the test asked for."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING")]

    def require_quiet(self, where, allowed=()):
        loud = [text for text in self.console() if not any(word in text for word in allowed)]
        loud += self.driver.execute_script("return window.violations ?? []")
        if loud:
            raise Failed(f"{where}: the console has {loud}")

    def require_accessible(self, where):
        """Nothing that axe-core calls serious or critical."""
        if self.axe is None:
            return []
        self.driver.execute_script(self.axe)
        found = self.driver.execute_async_script("""
            const done = arguments[0];
            axe.run(document, {resultTypes: ['violations']}).then((result) => done(result.violations.map((one) =>
              ({id: one.id, impact: one.impact, help: one.help, nodes: one.nodes.slice(0, 3).map((node) =>
                [node.html.slice(0, 200), node.failureSummary])}))), (error) => done([{id: String(error), impact: 'critical'}]));""")
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        if serious:
            raise Failed(f"{where}: axe found {json.dumps(serious, indent=1)}")
        return [f"{one['impact']}: {one['id']}" for one in found]
