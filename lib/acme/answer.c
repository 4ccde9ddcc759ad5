/*
 * lib/acme/answer.c - answers of an ACME server, in both processes that handle them. No I/O.
 *
 * Input: header fields and a body of the server's, at most ACME_BODY_MAX bytes, which jansson
 * reads; and in the other process the record, which comes from one that has read all that.
 */
#include "lib/acme/answer.h"

#include <time.h>

#include <jansson.h>

#include "lib/acme/url.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/ipc/frame.h"
#include "lib/mail/timestamp.h"

#define URN "urn:ietf:params:acme:error:"

enum { RECORD = 1, RETRY_MAX_S = 30 * 86400, FORM_MAX = 65536, NONCE_MAX = 512, SERIAL_MAX = 64 };

/* ---- forms of texts ---- */

static bool
is_words(struct slice text)
{
    return parse_is_ascii_print(text);
}

static bool
is_base64url(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return text.len > 0;
}

/* Two texts in base64url with a dot between them. */
static bool
is_cert_id(struct slice text)
{
    struct slice rest = text, first = slice_split(&rest, '.');

    return is_base64url(first) && is_base64url(rest);
}

static bool
is_url(struct slice text)
{
    return acme_url_parse(text, NULL);
}

static bool
is_host(struct slice text)
{
    struct acme_url url;
    char *whole = xasprintf("https://%.*s", (int)text.len, text.ptr);
    bool is = acme_url_parse(slice_of(whole), &url) && strlen(url.host) == text.len;

    free(whole);
    return is;
}

static bool
is_pem(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] != '\n' && (text.ptr[i] < 0x20 || text.ptr[i] > 0x7e))
            return false;
    return slice_starts(text, SLICE("-----BEGIN CERTIFICATE-----\n"));
}

static const struct form {
    size_t max;
    bool (*good)(struct slice text);
} forms[ACME_TEXT_COUNT] = {
    [ACME_TROUBLE] = {ACME_WORDS_MAX, is_words},
    [ACME_NONCE] = {NONCE_MAX, is_base64url},
    [ACME_LOCATION] = {ACME_URL_MAX, is_url},
    [ACME_PROBLEM] = {ACME_WORDS_MAX, is_words},
    [ACME_DETAIL] = {ACME_WORDS_MAX, is_words},
    [ACME_NEW_NONCE] = {ACME_URL_MAX, is_url},
    [ACME_NEW_ACCOUNT] = {ACME_URL_MAX, is_url},
    [ACME_NEW_ORDER] = {ACME_URL_MAX, is_url},
    [ACME_REVOKE_CERT] = {ACME_URL_MAX, is_url},
    [ACME_KEY_CHANGE] = {ACME_URL_MAX, is_url},
    [ACME_RENEWAL_URL] = {ACME_URL_MAX, is_url},
    [ACME_TERMS] = {ACME_WORDS_MAX, is_words},
    [ACME_FINALIZE] = {ACME_URL_MAX, is_url},
    [ACME_CERTIFICATE] = {ACME_URL_MAX, is_url},
    [ACME_HOST] = {ACME_HOST_MAX, is_host},
    [ACME_CHALLENGE] = {ACME_URL_MAX, is_url},
    [ACME_TOKEN] = {ACME_TOKEN_MAX, is_base64url},
    [ACME_EXPLANATION] = {ACME_WORDS_MAX, is_words},
    [ACME_PEM] = {FORM_MAX, is_pem},
    [ACME_CERT_ID] = {NONCE_MAX, is_cert_id},
    [ACME_SERIAL] = {SERIAL_MAX, is_words},
};

static bool
has_form(enum acme_text which, struct slice text)
{
    return text.len == 0 || (text.len <= forms[which].max && forms[which].good(text));
}

/* A text of another form counts as not there: clients have to ignore it (section 6.5.1), or miss
 * it. */
static void
set(struct acme_answer *answer, enum acme_text which, struct slice text)
{
    if (has_form(which, text))
        answer->text[which] = text;
}

void
acme_answer_tame(struct slice words, struct strbuf *out)
{
    for (size_t i = 0; i < words.len && i < ACME_WORDS_MAX / 2; i++)
        (void)strbuf_char(out, words.ptr[i] < 0x20 || words.ptr[i] > 0x7e ? '?' : words.ptr[i]);
}

/* ---- header fields ---- */

/* RFC 9110 section 10.2.3: seconds, or a date. */
static int64_t
retry_after(struct slice value, int64_t now_ms)
{
    char *text = xslicedup(value);
    struct tm tm = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    uint64_t seconds = 0;
    int64_t ms;

    if (parse_u64(value, RETRY_MAX_S, &seconds) == 0)
        ms = (int64_t)seconds * 1000;
    else
        ms = end != NULL && *end == '\0' ? (int64_t)timegm(&tm) * 1000 - now_ms : 0;
    free(text);
    return ms < 0 || ms > (int64_t)RETRY_MAX_S * 1000 ? 0 : ms;
}

void
acme_answer_field(struct acme_answer *answer, struct slice name, struct slice value, int64_t now_ms)
{
    if (slice_eq_nocase(name, SLICE("Replay-Nonce")))
        set(answer, ACME_NONCE, value);
    else if (slice_eq_nocase(name, SLICE("Location")))
        set(answer, ACME_LOCATION, value);
    else if (slice_eq_nocase(name, SLICE("Retry-After")))
        answer->retry_after_ms = retry_after(value, now_ms);
}

/* ---- bodies ---- */

static struct slice
text_of(const json_t *value)
{
    return json_is_string(value) ? slice_make(json_string_value(value), json_string_length(value))
                                 : SLICE("");
}

static struct slice
member(const json_t *object, const char *name)
{
    return text_of(json_object_get(object, name));
}

static void
read_directory(struct acme_answer *answer, const json_t *body)
{
    static const struct {
        enum acme_text which;
        const char *name;
    } members[] = {
        {ACME_NEW_NONCE, "newNonce"},   {ACME_NEW_ACCOUNT, "newAccount"},
        {ACME_NEW_ORDER, "newOrder"},   {ACME_REVOKE_CERT, "revokeCert"},
        {ACME_KEY_CHANGE, "keyChange"}, {ACME_RENEWAL_URL, "renewalInfo"},
    };
    const json_t *meta = json_object_get(body, "meta");

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        set(answer, members[i].which, member(body, members[i].name));
    set(answer, ACME_TERMS, member(meta, "termsOfService"));
    answer->binding_required = json_is_true(json_object_get(meta, "externalAccountRequired"));
}

static enum acme_status
read_status(const json_t *body)
{
    static const struct {
        const char *name;
        enum acme_status status;
    } words[] = {{"pending", ACME_PENDING},
                 {"ready", ACME_READY},
                 {"processing", ACME_PROCESSING},
                 {"valid", ACME_VALID},
                 {"invalid", ACME_INVALID}};
    struct slice word = member(body, "status");

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_eq(word, slice_of(words[i].name)))
            return words[i].status;
    return ACME_OTHER;
}

/* RFC 8555 section 6.7 with 6.7.1: what is wrong, and with which of the names. */
static void
read_problem(struct acme_answer *answer, const json_t *problem, struct strbuf *words)
{
    const json_t *first = json_array_get(json_object_get(problem, "subproblems"), 0);
    struct slice type = member(problem, "type");
    struct slice host = member(json_object_get(first, "identifier"), "value");

    if (!json_is_object(problem))
        return;
    acme_answer_tame(member(problem, "detail"), words);
    if (first != NULL) {
        (void)strbuf_str(words, "; ");
        acme_answer_tame(host, words);
        (void)strbuf_str(words, host.len > 0 ? ": " : "");
        acme_answer_tame(member(first, "detail"), words);
    }
    if (slice_starts(type, SLICE(URN)))
        set(answer, ACME_PROBLEM, slice_sub(type, sizeof(URN) - 1, type.len));
    else
        answer->text[ACME_PROBLEM] = SLICE("other");
    set(answer, ACME_DETAIL, slice_sub(strbuf_slice(words), 0, ACME_WORDS_MAX));
}

static void
read_order(struct acme_answer *answer, const json_t *body, struct strbuf *words)
{
    const json_t *list = json_object_get(body, "authorizations");

    set(answer, ACME_FINALIZE, member(body, "finalize"));
    set(answer, ACME_CERTIFICATE, member(body, "certificate"));
    for (size_t i = 0; i < json_array_size(list) && i < ACME_NAMES_MAX; i++) {
        struct slice url = text_of(json_array_get(list, i));

        if (is_url(url))
            answer->authorizations[answer->authorization_count++] = url;
    }
    read_problem(answer, json_object_get(body, "error"), words);
}

static void
read_authorization(struct acme_answer *answer, const json_t *body, const char *challenge,
                   struct strbuf *words)
{
    const json_t *list = json_object_get(body, "challenges");

    set(answer, ACME_HOST, member(json_object_get(body, "identifier"), "value"));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);

        if (slice_eq(member(one, "type"), slice_of(challenge))) {
            set(answer, ACME_CHALLENGE, member(one, "url"));
            set(answer, ACME_TOKEN, member(one, "token"));
        }
        if (json_object_get(one, "error") != NULL && answer->text[ACME_DETAIL].len == 0)
            read_problem(answer, json_object_get(one, "error"), words);
    }
}

/* RFC 9773 section 4.2. A window without length is none. */
static void
read_renewal(struct acme_answer *answer, const json_t *body)
{
    const json_t *window = json_object_get(body, "suggestedWindow");
    int64_t start, end;

    if (timestamp_parse(member(window, "start"), &start) < 0 ||
        timestamp_parse(member(window, "end"), &end) < 0 || start < 0 || end <= start)
        return;
    answer->start_ms = start;
    answer->end_ms = end;
    set(answer, ACME_EXPLANATION, member(body, "explanationURL"));
}

static void
read_body(struct acme_answer *answer, enum acme_kind kind, const char *challenge,
          const json_t *body, struct strbuf *words)
{
    answer->status = read_status(body);
    if (answer->http >= 400)
        read_problem(answer, body, words);
    else if (kind == ACME_DIRECTORY)
        read_directory(answer, body);
    else if (kind == ACME_ORDER)
        read_order(answer, body, words);
    else if (kind == ACME_AUTHORIZATION)
        read_authorization(answer, body, challenge, words);
    else if (kind == ACME_RENEWAL_INFO)
        read_renewal(answer, body);
}

void
acme_answer_read(struct acme_answer *answer, enum acme_kind kind, const char *challenge,
                 struct slice body, struct strbuf *record)
{
    struct strbuf words = strbuf_new((size_t)2 * ACME_WORDS_MAX);
    json_t *json = NULL;

    if (kind != ACME_NOTHING || answer->http >= 400)
        json = json_loadb(body.len == 0 ? "" : body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json))
        read_body(answer, kind, challenge, json, &words);
    else if (kind != ACME_NOTHING && answer->http < 400)
        answer->text[ACME_TROUBLE] = SLICE("the answer is not a JSON object");
    if (acme_answer_write(answer, record) < 0)
        strbuf_clear(record);
    json_decref(json);
    strbuf_free(&words);
}

/* ---- the record ---- */

int
acme_answer_write(const struct acme_answer *answer, struct strbuf *record)
{
    struct writer w = frame_begin(record, RECORD, 0);

    writer_u32(&w, answer->http);
    writer_u8(&w, (uint8_t)answer->status);
    writer_u8(&w, answer->binding_required);
    writer_u64(&w, (uint64_t)answer->retry_after_ms);
    writer_u64(&w, (uint64_t)answer->start_ms);
    writer_u64(&w, (uint64_t)answer->end_ms);
    for (size_t i = 0; i < ACME_TEXT_COUNT; i++)
        writer_bytes(&w, answer->text[i]);
    writer_u32(&w, (uint32_t)answer->authorization_count);
    for (size_t i = 0; i < answer->authorization_count; i++)
        writer_bytes(&w, answer->authorizations[i]);
    return frame_end(&w);
}

static int64_t
read_time(struct reader *r)
{
    uint64_t ms = reader_u64(r);

    if (ms > INT64_MAX / 4)
        r->failed = true;
    return r->failed ? 0 : (int64_t)ms;
}

static void
read_texts(struct reader *r, struct acme_answer *answer)
{
    for (size_t i = 0; i < ACME_TEXT_COUNT; i++) {
        answer->text[i] = reader_bytes(r, forms[i].max);
        if (!has_form((enum acme_text)i, answer->text[i]))
            r->failed = true;
    }
    answer->authorization_count = reader_count(r, ACME_NAMES_MAX);
    for (size_t i = 0; i < answer->authorization_count; i++) {
        answer->authorizations[i] = reader_bytes(r, ACME_URL_MAX);
        if (!is_url(answer->authorizations[i]))
            r->failed = true;
    }
}

int
acme_answer_parse(struct slice record, struct acme_answer *answer)
{
    struct frame_header header;
    struct reader r;
    uint8_t status;

    *answer = (struct acme_answer){0};
    if (record.len < FRAME_HEADER ||
        frame_header_decode(record.ptr, ACME_RECORD_MAX, &header) < 0 || header.type != RECORD ||
        header.length != record.len - FRAME_HEADER)
        return -1;
    r = reader_begin(slice_sub(record, FRAME_HEADER, record.len));
    answer->http = reader_u32(&r);
    status = reader_u8(&r);
    answer->status = status <= ACME_INVALID ? (enum acme_status)status : ACME_OTHER;
    answer->binding_required = reader_u8(&r) != 0;
    answer->retry_after_ms = read_time(&r);
    answer->start_ms = read_time(&r);
    answer->end_ms = read_time(&r);
    read_texts(&r, answer);
    return reader_end(&r);
}
