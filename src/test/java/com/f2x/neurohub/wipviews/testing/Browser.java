package com.f2x.neurohub.wipviews.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real Chromium without a window, told what to do over its DevTools protocol. */
public final class Browser implements AutoCloseable {

  private final Process process;
  private final Path profile;
  private final WebSocket socket;
  private final AtomicInteger lastId = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
  private final Map<String, CompletableFuture<JsonNode>> events = new ConcurrentHashMap<>();

  private Browser(Process process, Path profile, String page) {
    this.process = process;
    this.profile = profile;
    this.socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(URI.create(page), new Listener())
            .join();
  }

  /** Starts it; skips the calling test, saying why, where there is none. */
  public static Browser start() throws Exception {
    Optional<Path> binary =
        Stream.of("chromium", "chromium-browser", "google-chrome")
            .flatMap(
                name ->
                    Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .map(folder -> Path.of(folder, name)))
            .filter(Files::isExecutable)
            .findFirst();
    if (binary.isEmpty()) {
      System.out.println("SKIPPED: there is no chromium on the PATH");
    }
    assumeTrue(binary.isPresent(), "there is no chromium on the PATH");
    Path profile = Files.createTempDirectory("wip-views-browser");
    Process process =
        new ProcessBuilder(
                binary.orElseThrow().toString(),
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-extensions",
                "--disable-background-networking",
                "--no-first-run",
                "--hide-scrollbars",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return new Browser(process, profile, page(process));
  }

  private static String page(Process process) throws Exception {
    BufferedReader said = process.errorReader();
    String line = said.readLine();
    while (line != null && !line.startsWith("DevTools listening on ")) {
      line = said.readLine();
    }
    if (line == null) {
      throw new IOException("chromium ended: " + process.waitFor());
    }
    Thread reading = new Thread(() -> said.lines().forEach(rest -> {}), "chromium-log");
    reading.setDaemon(true);
    reading.start();
    URI list = URI.create("http:" + line.replaceFirst(".* ws:(//[^/]+)/.*", "$1") + "/json/list");
    for (JsonNode target :
        JsonMapper.shared()
            .readTree(
                HttpClient.newHttpClient()
                    .send(HttpRequest.newBuilder(list).build(), BodyHandlers.ofString())
                    .body())) {
      if (target.get("type").asString().equals("page")) {
        return target.get("webSocketDebuggerUrl").asString();
      }
    }
    throw new IOException("chromium has no page");
  }

  /** Shows a file on a screen so wide, as on paper or not, and waits until it is there. */
  public void show(Path file, int width, int height, boolean phone, boolean dark) throws Exception {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", phone));
    call(
        "Emulation.setEmulatedMedia",
        Map.of(
            "media",
            "",
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    call("Page.enable", Map.of());
    CompletableFuture<JsonNode> loaded = new CompletableFuture<>();
    events.put("Page.loadEventFired", loaded);
    call("Page.navigate", Map.of("url", file.toUri().toString()));
    Await.result(loaded);
  }

  /** What an expression of JavaScript is worth on the page. */
  public JsonNode evaluate(String expression) throws Exception {
    JsonNode result =
        call("Runtime.evaluate", Map.of("expression", expression, "returnByValue", true));
    if (result.has("exceptionDetails")) {
      throw new AssertionError(result.get("exceptionDetails").toString());
    }
    return result.get("result").path("value");
  }

  /** Takes a picture of the whole page. */
  public void screenshot(Path png) throws Exception {
    save(png, call("Page.captureScreenshot", Map.of("captureBeyondViewport", true)));
  }

  /** Takes a picture of the top of the page. */
  public void screenshot(Path png, int width, int height) throws Exception {
    save(
        png,
        call(
            "Page.captureScreenshot",
            Map.of("clip", Map.of("x", 0, "y", 0, "width", width, "height", height, "scale", 1))));
  }

  /** Prints the page on A4. */
  public void print(Path pdf) throws Exception {
    save(
        pdf,
        call(
            "Page.printToPDF",
            Map.of("paperWidth", 8.27, "paperHeight", 11.69, "printBackground", false)));
  }

  private static void save(Path file, JsonNode result) throws IOException {
    Files.createDirectories(file.getParent());
    Files.write(file, Base64.getDecoder().decode(result.get("data").asString()));
  }

  private JsonNode call(String method, Map<String, ?> parameters) throws Exception {
    int id = lastId.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    answers.put(id, answer);
    socket
        .sendText(
            JsonMapper.shared()
                .writeValueAsString(Map.of("id", id, "method", method, "params", parameters)),
            true)
        .join();
    JsonNode message = Await.result(answer);
    if (message.has("error")) {
      throw new AssertionError(method + ": " + message.get("error"));
    }
    return message.get("result");
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().onExit().join();
    delete(profile);
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    } catch (IOException e) {
      // what has just been killed may still have written
      System.out.println("left behind: " + directory);
    }
  }

  private final class Listener implements WebSocket.Listener {

    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        JsonNode message = JsonMapper.shared().readTree(text.toString());
        text.setLength(0);
        CompletableFuture<JsonNode> waiting =
            message.has("id")
                ? answers.remove(message.get("id").asInt())
                : events.remove(message.path("method").asString(""));
        if (waiting != null) {
          waiting.complete(message);
        }
      }
      webSocket.request(1);
      return null;
    }
  }
}
