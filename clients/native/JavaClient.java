import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;

/** java.net.http, the client of the JDK. */
public class JavaClient implements WebSocket.Listener {
    static final CompletableFuture<Void> done = new CompletableFuture<>();
    final StringBuilder text = new StringBuilder();
    long bytes = 0;

    public CompletionStage<?> onText(WebSocket websocket, CharSequence data, boolean last) {
        text.append(data);
        if (last) {
            String[] command = text.toString().split(" ");
            text.setLength(0);
            if (command[0].equals("send")) {
                websocket.sendText("x".repeat(Integer.parseInt(command[1])), true);
            } else if (command[0].equals("pause")) {
                // The next message is requested when the program has time for it.
                CompletableFuture.runAsync(() -> {
                    sleep(Double.parseDouble(command[1]));
                    websocket.sendText("paused", true);
                    websocket.request(1);
                });
                return null;
            }
        }
        websocket.request(1);
        return null;
    }

    public CompletionStage<?> onBinary(WebSocket websocket, ByteBuffer data, boolean last) {
        bytes += data.remaining();
        if (last) {
            websocket.sendText("got " + bytes, true);
            bytes = 0;
        }
        websocket.request(1);
        return null;
    }

    public CompletionStage<?> onClose(WebSocket websocket, int code, String reason) {
        System.out.println("{\"event\": \"closed\", \"code\": " + code + ", \"reason\": \"" + reason + "\"}");
        done.complete(null);
        return null;
    }

    public void onError(WebSocket websocket, Throwable error) {
        failed(error, "null");
        done.complete(null);
    }

    static void failed(Throwable error, String status) {
        String text = String.valueOf(error).replaceAll("[\"\\\\\n]", "'");
        System.out.println("{\"event\": \"failed\", \"text\": \"" + text + "\", \"status\": " + status + "}");
    }

    static void sleep(double seconds) {
        try {
            Thread.sleep((long) (1000 * seconds));
        } catch (InterruptedException error) {
            throw new RuntimeException(error);
        }
    }

    public static void main(String[] arguments) throws Exception {
        try {
            HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(URI.create(arguments[0]), new JavaClient()).get();
            done.get();
        } catch (ExecutionException error) {
            Throwable cause = error.getCause();
            boolean refused = cause instanceof WebSocketHandshakeException;
            failed(cause, refused ? "" + ((WebSocketHandshakeException) cause).getResponse().statusCode() : "null");
        }
        System.exit(0);
    }
}
