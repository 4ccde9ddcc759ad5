/*
 * libposthorn/posthorn.c - the calls of the administrative API over HTTP/1.1.
 *
 * The server's answers are taken for what a stranger says: they have a limit, and are no answer if
 * they are not what they should be. Secrets are wiped.
 */
#define POSTHORN_WITHOUT_CALLS
#include "include/posthorn.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libposthorn/connection.h"

enum {
    HEAD_MAX = 16384,
    ANSWER_MAX = 32 << 20,
    TEXT_MAX = 1024,
    TIMEOUT_MS = 60000,
    PORT_DEFAULT = 6000,
    TOKEN_MAX = 128,
    CODE_MAX = 64
};

struct posthorn {
    char *host, *ca_file, *name, *socket; /* socket: a Unix socket in place of host and port */
    unsigned port;
    int timeout_ms;
    struct connection *connection; /* NULL: none is open */
    char token[TOKEN_MAX];         /* "": no session */
    char *login_name, *password;   /* to begin it anew; secret */
    char code[CODE_MAX + 1];       /* for the next login, or "" */
    char text[TEXT_MAX];
    char *answer; /* JSON */
};

struct posthorn *
posthorn_new(const char *host, unsigned port)
{
    struct posthorn *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    p->host = strdup(host);
    p->port = port;
    p->timeout_ms = TIMEOUT_MS;
    if (p->host == NULL)
        posthorn_free(&p);
    return p;
}

/* "run/admin.sock" below an instance's directory; the installed one has it in /run/posthorn. */
static struct posthorn *
open_directory(const char *directory)
{
    struct posthorn *p = posthorn_new("localhost", PORT_DEFAULT);
    int rc = p == NULL                     ? -1
             : strcmp(directory, "/") == 0 ? asprintf(&p->socket, "/run/posthorn/admin.sock")
                                           : asprintf(&p->socket, "%s/run/admin.sock", directory);

    if (rc < 0 && p != NULL) {
        p->socket = NULL;
        posthorn_free(&p);
    }
    return p;
}

struct posthorn *
posthorn_open(const char *place)
{
    const char *colon = strrchr(place, ':');
    size_t len = strlen(place), skip = place[0] == '[';
    struct posthorn *p;
    char *host, *end;
    long port = PORT_DEFAULT;

    if (place[0] == '/')
        return open_directory(place);
    /* an IPv6 address without brackets has several colons and no port */
    if (colon != NULL && (skip ? colon[-(colon > place)] == ']' : strchr(place, ':') == colon)) {
        port = strtol(colon + 1, &end, 10);
        if (*end != '\0' || port < 1 || port > 65535)
            return NULL;
        len = (size_t)(colon - place);
    }
    if (len < 2 * skip + 1 || (skip && place[len - 1] != ']'))
        return NULL;
    host = strndup(place + skip, len - 2 * skip);
    p = host == NULL ? NULL : posthorn_new(host, (unsigned)port);
    free(host);
    return p;
}

static void
wipe(char **secret)
{
    if (*secret != NULL)
        OPENSSL_cleanse(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

void
posthorn_free(struct posthorn **pp)
{
    struct posthorn *p = *pp;

    if (p == NULL)
        return;
    if (p->token[0] != '\0')
        (void)posthorn_call(p, "Logout", NULL, 0); /* else it ends by itself */
    connection_close(&p->connection);
    OPENSSL_cleanse(p->token, sizeof(p->token));
    wipe(&p->password);
    wipe(&p->answer);
    free(p->login_name);
    free(p->host);
    free(p->ca_file);
    free(p->name);
    free(p->socket);
    free(p);
    *pp = NULL;
}

static int
replace(char **where, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return -1;
    free(*where);
    *where = copy;
    return 0;
}

int
posthorn_trust(struct posthorn *p, const char *ca_file)
{
    return replace(&p->ca_file, ca_file);
}

int
posthorn_expect_name(struct posthorn *p, const char *name)
{
    return replace(&p->name, name);
}

void
posthorn_timeout(struct posthorn *p, int ms)
{
    p->timeout_ms = ms;
}

const char *
posthorn_text(const struct posthorn *p)
{
    return p->text;
}

const char *
posthorn_answer(const struct posthorn *p)
{
    return p->answer == NULL ? "{}" : p->answer;
}

static int
fail(struct posthorn *p, int error, const char *text)
{
    (void)snprintf(p->text, sizeof(p->text), "%s", text);
    return error;
}

/* ---- HTTP: one request, one answer ---- */

/* The answer's head, up to the empty line, with a NUL behind; the rest of what was read is moved to
 * its place in `body`. -1: no head came. */
static int
read_head(struct posthorn *p, char head[HEAD_MAX + 1], char **rest, size_t *rest_len)
{
    size_t len = 0;
    char *end = NULL;

    while (end == NULL && len < HEAD_MAX) {
        size_t got = connection_read(p->connection, head + len, HEAD_MAX - len);

        if (got == 0)
            return -1;
        len += got;
        head[len] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    if (end == NULL)
        return -1;
    end[2] = '\0';
    *rest = end + 4;
    *rest_len = len - (size_t)(*rest - head);
    return 0;
}

/* The number behind "\r\nName: "; -1: it is not there. */
static long
field_number(const char *head, const char *name)
{
    const char *line = strcasestr(head, name);
    char *end;
    long number;

    if (line == NULL)
        return -1;
    number = strtol(line + strlen(name), &end, 10);
    return *end == '\r' && number >= 0 ? number : -1;
}

/* Status, with the content in p->answer; 0: there was no answer. */
static int
read_answer(struct posthorn *p)
{
    char *head = malloc(HEAD_MAX + 1), *rest;
    size_t len;
    long length, status = 0;

    if (head != NULL && read_head(p, head, &rest, &len) == 0 &&
        strncmp(head, "HTTP/1.1 ", 9) == 0 &&
        (length = field_number(head, "\r\nContent-Length: ")) >= 0 && length <= ANSWER_MAX &&
        len <= (size_t)length && (p->answer = malloc((size_t)length + 1)) != NULL) {
        memcpy(p->answer, rest, len);
        while (len < (size_t)length) {
            size_t got = connection_read(p->connection, p->answer + len, (size_t)length - len);

            if (got == 0)
                break;
            len += got;
        }
        p->answer[len] = '\0';
        status = len == (size_t)length ? strtol(head + 9, NULL, 10) : 0;
        if (strcasestr(head, "\r\nConnection: close") != NULL)
            connection_close(&p->connection);
    }
    if (head != NULL)
        OPENSSL_cleanse(head, HEAD_MAX);
    free(head);
    return (int)status;
}

static bool
send_request(struct posthorn *p, const char *call, const char *json)
{
    char head[1024];
    int n = snprintf(head, sizeof(head),
                     "POST /api/%.64s HTTP/1.1\r\n"
                     "Host: %.255s:%u\r\n"
                     "%s%s%s"
                     "Content-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n",
                     call, p->host, p->port, p->token[0] == '\0' ? "" : "Authorization: Bearer ",
                     p->token, p->token[0] == '\0' ? "" : "\r\n", strlen(json));
    bool sent = n > 0 && (size_t)n < sizeof(head) &&
                connection_write(p->connection, head, (size_t)n) &&
                connection_write(p->connection, json, strlen(json));

    OPENSSL_cleanse(head, sizeof(head));
    return sent;
}

/* The status, or an error. A connection that the server has closed since the last call is made anew
 * before anything is sent; what was sent is never sent again, for it may have been done. */
static int
exchange(struct posthorn *p, const char *call, const char *json)
{
    const struct connection_target target = {.host = p->host,
                                             .ca_file = p->ca_file,
                                             .name = p->name,
                                             .socket = p->socket,
                                             .port = p->port,
                                             .timeout_ms = p->timeout_ms};
    int status = 0, error;

    wipe(&p->answer);
    if (p->connection != NULL && connection_is_over(p->connection))
        connection_close(&p->connection);
    if (p->connection == NULL)
        p->connection = connection_open(&target, &error, p->text, sizeof(p->text));
    if (p->connection == NULL)
        return error;
    if (send_request(p, call, json))
        status = read_answer(p);
    if (status == 0)
        connection_close(&p->connection);
    return status > 0 ? status : fail(p, POSTHORN_UNREACHABLE, "the server gave no answer");
}

/* ---- calls ---- */

static char *
make_json(const struct posthorn_param *params, unsigned count)
{
    json_t *root = json_object();
    char *text;
    bool good = root != NULL;

    for (unsigned i = 0; i < count && good; i++) {
        json_t *value;

        if (params[i].text == NULL)
            value = json_integer(params[i].number);
        else if (params[i].is_json)
            value = json_loads(params[i].text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
        else
            value = json_string(params[i].text);
        good = json_object_set_new(root, params[i].name, value) == 0;
    }
    text = good ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

/* The result in the answer, whose text is kept. */
static int
take_answer(struct posthorn *p, int status)
{
    json_t *root = p->answer == NULL ? NULL : json_loads(p->answer, JSON_REJECT_DUPLICATES, NULL);
    const json_t *result = json_object_get(root, "result");
    const char *text = json_string_value(json_object_get(root, "text"));
    const char *token = json_string_value(json_object_get(root, "token"));
    int rc = json_is_integer(result) ? (int)json_integer_value(result) : POSTHORN_MISMATCH;

    (void)fail(p, rc, text != NULL ? text : "what answers is no administration of Posthorn");
    if (status == 401)
        rc = POSTHORN_REFUSED;
    else if (status != 200)
        rc = POSTHORN_MISMATCH;
    else if (rc == 0 && token != NULL)
        (void)snprintf(p->token, sizeof(p->token), "%s", token);
    json_decref(root);
    return rc;
}

static int
call_once(struct posthorn *p, const char *call, const struct posthorn_param *params, unsigned count)
{
    char *json = make_json(params, count);
    int status;

    if (json == NULL)
        return fail(p, POSTHORN_BAD_VALUE, "a value cannot be sent: texts have to be UTF-8");
    status = exchange(p, call, json);
    wipe(&json);
    return status > 0 ? take_answer(p, status) : status;
}

static int
log_in(struct posthorn *p)
{
    const struct posthorn_param params[] = {
        {"name", p->login_name, 0, 0}, {"password", p->password, 0, 0}, {"code", p->code, 0, 0}};
    int rc;

    p->token[0] = '\0';
    rc = call_once(p, "Login", params, p->code[0] == '\0' ? 2 : 3);
    p->code[0] = '\0'; /* taken once */
    return rc == 2 ? POSTHORN_REFUSED : rc;
}

int
posthorn_code(struct posthorn *p, const char *code)
{
    if ((size_t)snprintf(p->code, sizeof(p->code), "%s", code) < sizeof(p->code))
        return 0;
    p->code[0] = '\0';
    return fail(p, POSTHORN_BAD_VALUE, "the code is too long");
}

int
posthorn_login(struct posthorn *p, const char *name, const char *password)
{
    wipe(&p->password);
    if (replace(&p->login_name, name) < 0 || replace(&p->password, password) < 0)
        return fail(p, POSTHORN_BAD_VALUE, "no memory");
    return log_in(p);
}

static void
take_password(struct posthorn *p, const struct posthorn_param *params, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(params[i].name, "new") == 0 && params[i].text != NULL) {
            wipe(&p->password);
            (void)replace(&p->password, params[i].text); /* else the next call is refused */
        }
}

int
posthorn_call(struct posthorn *p, const char *call, const struct posthorn_param *params,
              unsigned count)
{
    bool changes_password = strcmp(call, "ChangeOwnPassword") == 0;
    int rc = call_once(p, call, params, count);

    if (changes_password && rc == 0)
        take_password(p, params, count); /* the session is over: the next call begins another */
    else if (rc == POSTHORN_REFUSED && strcmp(call, "Logout") != 0 && p->password != NULL &&
             p->token[0] != '\0' && log_in(p) == 0) /* the session was over */
        rc = call_once(p, call, params, count);
    if (strcmp(call, "Logout") == 0)
        p->token[0] = '\0';
    return rc;
}
