/*
 * t/unit/test_acme.c - lib/acme: URLs, signed requests, answers as records, issued chains.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/acme/answer.h"
#include "lib/acme/issued.h"
#include "lib/acme/jws.h"
#include "lib/acme/pem.h"
#include "lib/acme/url.h"
#include "lib/auth/digest.h"
#include "lib/auth/jwk.h"
#include "lib/base/clock.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/tls/cert_chain.h"
#include "lib/tls/cert_make.h"

/* ---- URLs ---- */

static const struct {
    const char *text;
    bool good;
    const char *host, *authority, *path;
    unsigned port;
} urls[] = {
    {"https://a.test/dir", true, "a.test", "a.test", "/dir", 443},
    {"https://a.test", true, "a.test", "a.test", "/", 443},
    {"HTTPS://a.test:443/x?y=1", true, "a.test", "a.test", "/x?y=1", 443},
    {"https://a.test:8443/dir", true, "a.test", "a.test:8443", "/dir", 8443},
    {"https://192.0.2.1:14000/", true, "192.0.2.1", "192.0.2.1:14000", "/", 14000},
    {"http://a.test/dir", false, NULL, NULL, NULL, 0},
    {"https:///dir", false, NULL, NULL, NULL, 0},
    {"https://a.test:0/", false, NULL, NULL, NULL, 0},
    {"https://a.test:65536/", false, NULL, NULL, NULL, 0},
    {"https://a.test:/", false, NULL, NULL, NULL, 0},
    {"https://user@a.test/", false, NULL, NULL, NULL, 0},
    {"https://a.test/a b", false, NULL, NULL, NULL, 0},
    {"https://a.test/a\"b", false, NULL, NULL, NULL, 0},
    {"https://a.test/a\\b", false, NULL, NULL, NULL, 0},
    {"https://a.test/#x", false, NULL, NULL, NULL, 0},
    {"https://a.test/\r\nX: y", false, NULL, NULL, NULL, 0},
    {"", false, NULL, NULL, NULL, 0},
};

START_TEST(urls_are_https_and_need_no_escape)
{
    struct acme_url url;

    ck_assert_int_eq(acme_url_parse(slice_of(urls[_i].text), &url), urls[_i].good);
    ck_assert_int_eq(acme_url_parse(slice_of(urls[_i].text), NULL), urls[_i].good);
    if (!urls[_i].good)
        return;
    ck_assert_str_eq(url.host, urls[_i].host);
    ck_assert_str_eq(url.authority, urls[_i].authority);
    ck_assert_str_eq(url.path, urls[_i].path);
    ck_assert_uint_eq(url.port, urls[_i].port);
}
END_TEST

/* ---- signing ---- */

static struct slice
text_of(const json_t *json)
{
    return slice_of(json_string_value(json));
}

static json_t *
decoded(const json_t *json)
{
    struct strbuf text = strbuf_new(65536);
    json_t *part;

    ck_assert_int_eq(jwk_base64url(text_of(json), &text), 0);
    part = json_loads(strbuf_cstr(&text), 0, NULL);
    strbuf_free(&text);
    return part;
}

/* By another reader of such signatures: that of login tokens. */
static bool
verifies(const json_t *jws, const json_t *jwk)
{
    const struct jwk key = {.kty = text_of(json_object_get(jwk, "kty")),
                            .crv = text_of(json_object_get(jwk, "crv")),
                            .x = text_of(json_object_get(jwk, "x")),
                            .y = text_of(json_object_get(jwk, "y"))};
    struct strbuf signature = strbuf_new(256);
    char *text = xasprintf("%s.%s", json_string_value(json_object_get(jws, "protected")),
                           json_string_value(json_object_get(jws, "payload")));
    bool good;

    ck_assert_int_eq(jwk_base64url(text_of(json_object_get(jws, "signature")), &signature), 0);
    good = jwk_verify(&key, JWK_ES256, slice_of(text), strbuf_slice(&signature));
    strbuf_free(&signature);
    free(text);
    return good;
}

START_TEST(a_request_is_signed_by_the_key_that_it_names)
{
    struct jws_key *key = jws_key_new();
    const struct jws_header header = {.url = SLICE("https://a.test/x"), .nonce = SLICE("n-1_")};
    struct strbuf out = strbuf_new(JWS_MAX);
    json_t *jws, *head;

    ck_assert_ptr_nonnull(key);
    ck_assert_int_eq(jws_sign(key, &header, SLICE("{\"a\":1}"), &out), 0);
    jws = json_loads(strbuf_cstr(&out), JSON_REJECT_DUPLICATES, NULL);
    head = decoded(json_object_get(jws, "protected"));
    ck_assert_str_eq(json_string_value(json_object_get(head, "alg")), "ES256");
    ck_assert_str_eq(json_string_value(json_object_get(head, "nonce")), "n-1_");
    ck_assert_str_eq(json_string_value(json_object_get(head, "url")), "https://a.test/x");
    ck_assert_ptr_null(json_object_get(head, "kid"));
    ck_assert(verifies(jws, json_object_get(head, "jwk")));
    json_object_set_new(jws, "payload", json_string("e30"));
    ck_assert(!verifies(jws, json_object_get(head, "jwk")));
    json_decref(jws);
    json_decref(head);
    strbuf_free(&out);
    jws_key_free(&key);
}
END_TEST

START_TEST(with_an_account_its_url_stands_in_place_of_the_key)
{
    struct jws_key *key = jws_key_new();
    const struct jws_header header = {.url = SLICE("https://a.test/x"),
                                      .kid = SLICE("https://a.test/acct/1")};
    struct strbuf out = strbuf_new(JWS_MAX);
    json_t *jws, *head;

    ck_assert_int_eq(jws_sign(key, &header, SLICE(""), &out), 0);
    jws = json_loads(strbuf_cstr(&out), 0, NULL);
    head = decoded(json_object_get(jws, "protected"));
    ck_assert_str_eq(json_string_value(json_object_get(jws, "payload")), "");
    ck_assert_str_eq(json_string_value(json_object_get(head, "kid")), "https://a.test/acct/1");
    ck_assert_ptr_null(json_object_get(head, "jwk"));
    ck_assert_ptr_null(json_object_get(head, "nonce"));
    json_decref(jws);
    json_decref(head);
    strbuf_free(&out);
    jws_key_free(&key);
}
END_TEST

START_TEST(a_key_is_the_same_after_its_way_through_a_file)
{
    struct jws_key *key = jws_key_new(), *again;
    struct strbuf pem = strbuf_new(JWS_PEM_MAX), one = strbuf_new(JWS_THUMBPRINT_MAX),
                  two = strbuf_new(JWS_THUMBPRINT_MAX);

    ck_assert_int_eq(jws_key_pem(key, &pem), 0);
    again = jws_key_parse(strbuf_slice(&pem));
    ck_assert_ptr_nonnull(again);
    ck_assert_int_eq(jws_key_thumbprint(key, &one), 0);
    ck_assert_int_eq(jws_key_thumbprint(again, &two), 0);
    ck_assert_uint_eq(one.len, JWS_THUMBPRINT_MAX);
    ck_assert_str_eq(strbuf_cstr(&one), strbuf_cstr(&two));
    ck_assert_ptr_null(jws_key_parse(SLICE("-----BEGIN PRIVATE KEY-----\n")));
    strbuf_free(&pem);
    strbuf_free(&one);
    strbuf_free(&two);
    jws_key_free(&key);
    jws_key_free(&again);
}
END_TEST

START_TEST(a_binding_is_a_mac_over_the_public_key)
{
    struct strbuf out = strbuf_new(JWS_MAX), mac = strbuf_new(64);
    unsigned char expected[DIGEST_MAX];
    json_t *jws, *head;
    char *text;

    ck_assert_int_eq(jws_bind(SLICE("secret"), SLICE("kid-1"), SLICE("https://a.test/new"),
                              SLICE("{\"kty\":\"EC\"}"), &out),
                     0);
    jws = json_loads(strbuf_cstr(&out), 0, NULL);
    head = decoded(json_object_get(jws, "protected"));
    ck_assert_str_eq(json_string_value(json_object_get(head, "alg")), "HS256");
    ck_assert_str_eq(json_string_value(json_object_get(head, "kid")), "kid-1");
    text = xasprintf("%s.%s", json_string_value(json_object_get(jws, "protected")),
                     json_string_value(json_object_get(jws, "payload")));
    digest_hmac(DIGEST_SHA256, SLICE("secret"), slice_of(text), expected);
    ck_assert_int_eq(jwk_base64url(text_of(json_object_get(jws, "signature")), &mac), 0);
    ck_assert(slice_eq(strbuf_slice(&mac), slice_make(expected, 32)));
    free(text);
    json_decref(jws);
    json_decref(head);
    strbuf_free(&out);
    strbuf_free(&mac);
}
END_TEST

/* ---- answers ---- */

struct read {
    struct strbuf record;
    struct acme_answer answer;
};

static struct read
read_answer(unsigned http, enum acme_kind kind, const char *body)
{
    struct read r = {.record = strbuf_new(ACME_RECORD_MAX)};
    struct acme_answer first = {.http = http};

    acme_answer_read(&first, kind, "http-01", slice_of(body), &r.record);
    ck_assert_int_eq(acme_answer_parse(strbuf_slice(&r.record), &r.answer), 0);
    ck_assert_uint_eq(r.answer.http, http);
    return r;
}

static void
expect(const struct read *r, enum acme_text which, const char *text)
{
    ck_assert_msg(slice_eq(r->answer.text[which], slice_of(text)), "%u: '%.*s', not '%s'", which,
                  (int)r->answer.text[which].len, r->answer.text[which].ptr, text);
}

START_TEST(a_directory_says_where_everything_is)
{
    struct read r = read_answer(
        200, ACME_DIRECTORY,
        "{\"newNonce\":\"https://a.test/n\",\"newAccount\":\"https://a.test/a\","
        "\"newOrder\":\"https://a.test/o\",\"revokeCert\":\"javascript:1\",\"keyChange\":7,"
        "\"renewalInfo\":\"https://a.test/ari\","
        "\"meta\":{\"termsOfService\":\"https://a.test/tos\",\"externalAccountRequired\":true}}");

    expect(&r, ACME_NEW_NONCE, "https://a.test/n");
    expect(&r, ACME_NEW_ACCOUNT, "https://a.test/a");
    expect(&r, ACME_NEW_ORDER, "https://a.test/o");
    expect(&r, ACME_REVOKE_CERT, ""); /* no https URL: as if it were not there */
    expect(&r, ACME_KEY_CHANGE, "");
    expect(&r, ACME_RENEWAL_URL, "https://a.test/ari");
    expect(&r, ACME_TERMS, "https://a.test/tos");
    ck_assert(r.answer.binding_required);
    strbuf_free(&r.record);
}
END_TEST

START_TEST(an_order_has_its_status_and_urls)
{
    struct read r = read_answer(201, ACME_ORDER,
                                "{\"status\":\"ready\",\"finalize\":\"https://a.test/f\","
                                "\"authorizations\":[\"https://a.test/1\",\"file:///etc\",3,"
                                "\"https://a.test/2\"]}");

    ck_assert_int_eq(r.answer.status, ACME_READY);
    expect(&r, ACME_FINALIZE, "https://a.test/f");
    expect(&r, ACME_CERTIFICATE, "");
    ck_assert_uint_eq(r.answer.authorization_count, 2);
    ck_assert(slice_eq(r.answer.authorizations[1], SLICE("https://a.test/2")));
    strbuf_free(&r.record);
}
END_TEST

START_TEST(of_an_authorization_the_wanted_challenge_is_taken)
{
    struct read r = read_answer(
        200, ACME_AUTHORIZATION,
        "{\"status\":\"invalid\",\"identifier\":{\"type\":\"dns\",\"value\":\"h.test\"},"
        "\"challenges\":[{\"type\":\"dns-01\",\"url\":\"https://a.test/d\",\"token\":\"no\"},"
        "{\"type\":\"http-01\",\"url\":\"https://a.test/h\",\"token\":\"to-k_en\",\"error\":"
        "{\"type\":\"urn:ietf:params:acme:error:connection\",\"detail\":\"refused\\r\\nX\"}}]}");

    ck_assert_int_eq(r.answer.status, ACME_INVALID);
    expect(&r, ACME_HOST, "h.test");
    expect(&r, ACME_CHALLENGE, "https://a.test/h");
    expect(&r, ACME_TOKEN, "to-k_en");
    expect(&r, ACME_DETAIL, "refused??X"); /* it may go into a log */
    strbuf_free(&r.record);
}
END_TEST

START_TEST(a_token_that_would_be_more_than_a_name_is_none)
{
    struct read r = read_answer(
        200, ACME_AUTHORIZATION,
        "{\"status\":\"pending\",\"identifier\":{\"value\":\"h.test/../x\"},\"challenges\":"
        "[{\"type\":\"http-01\",\"url\":\"https://a.test/h\",\"token\":\"../../x\"}]}");

    expect(&r, ACME_TOKEN, "");
    expect(&r, ACME_HOST, "");
    strbuf_free(&r.record);
}
END_TEST

START_TEST(a_problem_names_its_type_and_the_name_that_it_is_about)
{
    struct read r = read_answer(
        403, ACME_ORDER,
        "{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\",\"detail\":\"no\","
        "\"subproblems\":[{\"detail\":\"a phish\",\"identifier\":{\"value\":\"h.test\"}}]}");
    struct read other = read_answer(500, ACME_NOTHING, "{\"type\":\"about:blank\"}");
    struct read html = read_answer(502, ACME_ORDER, "<html>");

    expect(&r, ACME_PROBLEM, "rejectedIdentifier");
    expect(&r, ACME_DETAIL, "no; h.test: a phish");
    expect(&other, ACME_PROBLEM, "other");
    expect(&html, ACME_PROBLEM, "");
    expect(&html, ACME_TROUBLE, "");
    strbuf_free(&r.record);
    strbuf_free(&other.record);
    strbuf_free(&html.record);
}
END_TEST

static const struct {
    const char *body;
    bool good;
} windows[] = {
    {"{\"suggestedWindow\":{\"start\":\"2026-01-02T04:00:00Z\",\"end\":\"2026-01-03T04:00:00Z\"}}",
     true},
    /* RFC 9773 section 4.2: an end that is not behind the start */
    {"{\"suggestedWindow\":{\"start\":\"2026-01-02T04:00:00Z\",\"end\":\"2026-01-02T04:00:00Z\"}}",
     false},
    {"{\"suggestedWindow\":{\"start\":\"2026-01-02T04:00:00Z\",\"end\":\"2026-01-01T04:00:00Z\"}}",
     false},
    {"{\"suggestedWindow\":{\"start\":\"yesterday\",\"end\":\"2026-01-01T04:00:00Z\"}}", false},
    {"{\"suggestedWindow\":{\"start\":5,\"end\":7}}", false},
    {"{}", false},
};

START_TEST(a_window_has_a_length)
{
    struct read r = read_answer(200, ACME_RENEWAL_INFO, windows[_i].body);

    ck_assert_int_eq(r.answer.end_ms != 0, windows[_i].good);
    if (windows[_i].good) {
        ck_assert_int_eq(r.answer.start_ms, INT64_C(1767326400000));
        ck_assert_int_eq(r.answer.end_ms - r.answer.start_ms, 86400000);
    }
    strbuf_free(&r.record);
}
END_TEST

START_TEST(what_is_no_object_is_trouble)
{
    static const char *const bodies[] = {"", "[]", "7", "{\"a\":1,\"a\":2}", "{", "null"};
    struct read r = read_answer(200, ACME_ORDER, bodies[_i]);

    expect(&r, ACME_TROUBLE, "the answer is not a JSON object");
    strbuf_free(&r.record);
}
END_TEST

static const struct {
    const char *name, *value;
    int64_t retry_ms;
    const char *nonce;
} fields[] = {
    {"Retry-After", "120", 120000, ""},
    {"retry-after", "Fri, 27 Nov 2026 15:21:00 GMT", 1795792860000 - 1795792800000, ""},
    {"Retry-After", "Fri, 27 Nov 2026 15:00:00 GMT", 0, ""}, /* it is over */
    {"Retry-After", "soon", 0, ""},
    {"Retry-After", "99999999999", 0, ""},
    {"Replay-Nonce", "aB-_9", 0, "aB-_9"},
    {"Replay-Nonce", "a b", 0, ""}, /* RFC 8555 section 6.5.1: ignored */
    {"Replay-Nonce", "a\"b", 0, ""},
};

START_TEST(header_fields_are_taken_if_they_have_their_form)
{
    struct acme_answer answer = {0};

    acme_answer_field(&answer, slice_of(fields[_i].name), slice_of(fields[_i].value),
                      INT64_C(1795792800000));
    ck_assert_int_eq(answer.retry_after_ms, fields[_i].retry_ms);
    ck_assert(slice_eq(answer.text[ACME_NONCE], slice_of(fields[_i].nonce)));
}
END_TEST

/* The process that reads the network may have been taken over: its record is no better than that.
 */
START_TEST(a_forged_record_is_refused)
{
    static const struct {
        enum acme_text which;
        const char *text;
    } forged[] = {{ACME_NONCE, "a\",\"url\":\"x"},
                  {ACME_LOCATION, "https://a.test/\n"},
                  {ACME_TOKEN, "../x"},
                  {ACME_DETAIL, "a\nb"},
                  {ACME_PEM, "#!/bin/sh\n"},
                  {ACME_HOST, "a b"},
                  {ACME_CERT_ID, "a/b"},
                  {ACME_CERT_ID, "a."},
                  {ACME_NEW_ORDER, "http://a.test/"}};
    struct strbuf record = strbuf_new(ACME_RECORD_MAX);
    struct acme_answer answer = {.http = 200};

    answer.text[forged[_i].which] = slice_of(forged[_i].text);
    ck_assert_int_eq(acme_answer_write(&answer, &record), 0);
    ck_assert_int_eq(acme_answer_parse(strbuf_slice(&record), &answer), -1);
    answer = (struct acme_answer){.http = 200};
    strbuf_clear(&record);
    ck_assert_int_eq(acme_answer_write(&answer, &record), 0);
    for (size_t cut = 0; cut < record.len; cut++)
        ck_assert_int_eq(acme_answer_parse(slice_make(record.ptr, cut), &answer), -1);
    strbuf_free(&record);
}
END_TEST

/* ---- chains ---- */

/* RFC 9773 appendix A, whose identifier section 4.1 gives. */
static const char example[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt\n"
                              "cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS\n"
                              "BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu\n"
                              "7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf\n"
                              "qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B\n"
                              "yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb\n"
                              "+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK\n"
                              "-----END CERTIFICATE-----\n";

START_TEST(a_certificate_is_named_as_the_rfc_names_it)
{
    struct strbuf error = strbuf_new(1024), id = strbuf_new(256);
    struct cert_chain *chain = cert_chain_parse(slice_of(example), "example", &error);

    ck_assert_str_eq(strbuf_cstr(&error), "");
    ck_assert_int_eq(cert_chain_renewal_id(chain, &id), 0);
    ck_assert_str_eq(strbuf_cstr(&id), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    cert_chain_free(&chain);
    strbuf_free(&error);
    strbuf_free(&id);
}
END_TEST

static const char *const hosts[] = {"a.test", "b.test"};

struct made {
    struct strbuf key, text, error;
};

static struct made
make(bool request, size_t host_count)
{
    const struct cert_wish wish = {
        .key_type = "p256", .hosts = hosts, .host_count = host_count, .days = 30};
    struct made m = {strbuf_new(CERT_PEM_MAX), strbuf_new(CERT_PEM_MAX), strbuf_new(1024)};
    int rc =
        (request ? cert_make_request : cert_make_self_signed)(&wish, &m.key, &m.text, &m.error);

    ck_assert_int_eq(rc, 0);
    return m;
}

static void
made_free(struct made *m)
{
    strbuf_free(&m->key);
    strbuf_free(&m->text);
    strbuf_free(&m->error);
}

static struct read
read_chain(struct slice pem, struct slice csr)
{
    struct read r = {.record = strbuf_new(ACME_RECORD_MAX)};
    struct acme_answer first = {.http = 200};

    acme_issued_read(&first, pem, csr, clock_real_ms(), &r.record);
    ck_assert_int_eq(acme_answer_parse(strbuf_slice(&r.record), &r.answer), 0);
    return r;
}

START_TEST(a_chain_for_another_key_is_not_taken)
{
    struct made certificate = make(false, 2), request = make(true, 2);
    struct read r = read_chain(strbuf_slice(&certificate.text), strbuf_slice(&request.text));

    expect(&r, ACME_TROUBLE, "the issued chain: certificate 1 is for another key than the request");
    expect(&r, ACME_PEM, "");
    strbuf_free(&r.record);
    made_free(&certificate);
    made_free(&request);
}
END_TEST

START_TEST(a_pem_block_goes_into_a_request_as_it_is)
{
    struct made request = make(true, 1);
    struct strbuf text = strbuf_new(CERT_PEM_MAX), der = strbuf_new(CERT_PEM_MAX);

    ck_assert_int_eq(acme_pem_base64url(strbuf_slice(&request.text), &text), 0);
    ck_assert_int_eq(jwk_base64url(strbuf_slice(&text), &der), 0);
    ck_assert_uint_eq((unsigned char)der.ptr[0], 0x30); /* SEQUENCE */
    ck_assert_int_eq(acme_pem_base64url(SLICE(""), &text), -1);
    ck_assert_int_eq(acme_pem_base64url(SLICE("-----BEGIN X-----\nAAAA\n"), &text), -1);
    ck_assert_int_eq(acme_pem_base64url(SLICE("-----BEGIN X-----\n!\n-----END X-----\n"), &text),
                     -1);
    strbuf_free(&text);
    strbuf_free(&der);
    made_free(&request);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("acme");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, urls_are_https_and_need_no_escape, 0, (int)ARRAY_LEN(urls));
    tcase_add_test(tc, a_request_is_signed_by_the_key_that_it_names);
    tcase_add_test(tc, with_an_account_its_url_stands_in_place_of_the_key);
    tcase_add_test(tc, a_key_is_the_same_after_its_way_through_a_file);
    tcase_add_test(tc, a_binding_is_a_mac_over_the_public_key);
    tcase_add_test(tc, a_directory_says_where_everything_is);
    tcase_add_test(tc, an_order_has_its_status_and_urls);
    tcase_add_test(tc, of_an_authorization_the_wanted_challenge_is_taken);
    tcase_add_test(tc, a_token_that_would_be_more_than_a_name_is_none);
    tcase_add_test(tc, a_problem_names_its_type_and_the_name_that_it_is_about);
    tcase_add_loop_test(tc, a_window_has_a_length, 0, (int)ARRAY_LEN(windows));
    tcase_add_loop_test(tc, what_is_no_object_is_trouble, 0, 6);
    tcase_add_loop_test(tc, header_fields_are_taken_if_they_have_their_form, 0,
                        (int)ARRAY_LEN(fields));
    tcase_add_loop_test(tc, a_forged_record_is_refused, 0, 9);
    tcase_add_test(tc, a_certificate_is_named_as_the_rfc_names_it);
    tcase_add_test(tc, a_chain_for_another_key_is_not_taken);
    tcase_add_test(tc, a_pem_block_goes_into_a_request_as_it_is);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
