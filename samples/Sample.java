import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Makes a mailbox, gives it a quota, counts what is in it, lists the mailboxes of its domain, and removes it again.
 *
 *   java Sample.java HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN &lt;password
 *
 * A program would take one of the JSON libraries; here two patterns find what is needed.
 */
public class Sample {
    private final HttpClient client;
    private final String url;
    private String token = "";

    Sample(String host, String port, String certificates) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream file = new FileInputStream(certificates)) {
            int number = 0;
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(file)) {
                trusted.setCertificateEntry("certificate" + number++, certificate);
            }
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        client = HttpClient.newBuilder().sslContext(context).version(HttpClient.Version.HTTP_1_1).build();
        url = "https://" + host + ":" + port + "/api/";
    }

    static String quote(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\' || c < ' ') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    String call(String name, String json) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + name))
                .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(json));
        if (!token.isEmpty()) {
            request.header("Authorization", "Bearer " + token);
        }
        String answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
        if (!answer.startsWith("{\"result\":0,")) {
            throw new IllegalStateException(name + ": " + answer);
        }
        return answer;
    }

    void login(String name, String password) throws Exception {
        String answer = call("Login", "{\"name\":" + quote(name) + ",\"password\":" + quote(password) + "}");
        Matcher found = Pattern.compile("\"token\":\"([0-9A-Za-z]+)\"").matcher(answer);
        if (!found.find()) {
            throw new IllegalStateException("no token");
        }
        token = found.group(1);
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 5) {
            System.err.println("usage: java Sample.java HOST PORT CERTIFICATES ADMINISTRATOR DOMAIN <password");
            System.exit(2);
        }
        Sample server = new Sample(args[0], args[1], args[2]);
        server.login(args[3], new BufferedReader(new InputStreamReader(System.in)).readLine());
        String domain = "\"domain\":" + quote(args[4]);
        server.call("AddUser", "{\"user\":\"sample\"," + domain + ",\"password\":\"One-good-2nd-word\"}");
        server.call("ModifyUserQuota", "{\"user\":\"sample\"," + domain + ",\"bytes\":10000000}");
        String counts = server.call("GetFolderMsgCount",
                "{\"user\":\"sample\"," + domain + ",\"password\":\"One-good-2nd-word\",\"folders\":\"inbox|sent\"}");
        Matcher count = Pattern.compile("\"counts\":\"([^\"]*)\"").matcher(counts);
        if (count.find()) {
            System.out.println("new/total: " + count.group(1));
        }
        String users = server.call("List", "{\"kind\":\"user\",\"within\":" + quote(args[4]) + ",\"sort\":\"address\"}");
        Matcher user = Pattern.compile("\"address\":\"([^\"]*)\".*?\"quota_bytes\":(\\d+)").matcher(users);
        while (user.find()) {
            System.out.println(user.group(1) + " " + user.group(2));
        }
        server.call("DeleteUser", "{\"user\":\"sample\"," + domain + "}");
        server.call("Logout", "{}");
    }
}
