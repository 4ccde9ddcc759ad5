/*
 * t/unit/test_alpn_challenge.c - lib/tls/alpn_challenge: who gets the certificate, and what it
 * holds (RFC 8737).
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/tls/alpn_challenge.h"

static unsigned char proof[ALPN_PROOF];

struct pair {
    SSL_CTX *ctx;
    SSL *client;
    int fds[2];
    struct alpn_connection *server;
};

static struct pair
connect_pair(struct alpn_server *server, const char *protocols, size_t len, const char *host)
{
    struct pair p = {.ctx = SSL_CTX_new(TLS_client_method())};

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, p.fds), 0);
    ck_assert_int_eq(fcntl(p.fds[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(fcntl(p.fds[1], F_SETFL, O_NONBLOCK), 0);
    p.client = SSL_new(p.ctx);
    ck_assert_int_eq(SSL_set_fd(p.client, p.fds[0]), 1);
    if (len > 0)
        ck_assert_int_eq(
            SSL_set_alpn_protos(p.client, (const unsigned char *)protocols, (unsigned)len), 0);
    if (host != NULL)
        ck_assert_int_eq(SSL_set_tlsext_host_name(p.client, host), 1);
    p.server = alpn_connection_new(server, p.fds[1]);
    ck_assert_ptr_nonnull(p.server);
    return p;
}

static enum alpn_next
shake_hands(struct pair *p)
{
    enum alpn_next next = ALPN_READ;

    for (int i = 0; i < 20 && (next == ALPN_READ || next == ALPN_WRITE); i++) {
        (void)SSL_connect(p->client); /* the server's end tells */
        next = alpn_connection_step(p->server);
    }
    (void)SSL_connect(p->client);
    return next;
}

static void
pair_free(struct pair *p)
{
    alpn_connection_free(&p->server);
    SSL_free(p->client);
    SSL_CTX_free(p->ctx);
    (void)close(p->fds[0]);
    (void)close(p->fds[1]);
}

static struct alpn_server *
server_with(const char *host)
{
    struct alpn_server *server = alpn_server_new();

    ck_assert_ptr_nonnull(server);
    for (size_t i = 0; i < sizeof(proof); i++)
        proof[i] = (unsigned char)(i + 1);
    ck_assert_int_eq(alpn_server_set(server, slice_of(host), proof), 0);
    return server;
}

/* RFC 8737 section 3: one name, and the digest in a critical extension as an OCTET STRING. */
START_TEST(the_authority_gets_the_proof)
{
    struct alpn_server *server = server_with("a.test");
    struct pair p = connect_pair(server,
                                 "\x0a"
                                 "acme-tls/1",
                                 11, "A.test");
    const unsigned char *selected;
    unsigned len;
    X509 *x;
    GENERAL_NAMES *names;
    X509_EXTENSION *extension = NULL;
    char oid[64];

    ck_assert_int_eq(shake_hands(&p), ALPN_SHOWN);
    SSL_get0_alpn_selected(p.client, &selected, &len);
    ck_assert(slice_eq(slice_make(selected, len), SLICE("acme-tls/1")));
    x = SSL_get1_peer_certificate(p.client);
    names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    ck_assert_int_eq(sk_GENERAL_NAME_num(names), 1);
    ck_assert(
        slice_eq(slice_make(ASN1_STRING_get0_data(sk_GENERAL_NAME_value(names, 0)->d.dNSName), 6),
                 SLICE("a.test")));
    for (int i = 0; i < X509_get_ext_count(x) && extension == NULL; i++) {
        X509_EXTENSION *one = X509_get_ext(x, i);

        (void)OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(one), 1);
        if (slice_eq(slice_of(oid), SLICE("1.3.6.1.5.5.7.1.31")))
            extension = one;
    }
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_EXTENSION_get_critical(extension), 1);
    ck_assert_int_eq(ASN1_STRING_length(X509_EXTENSION_get_data(extension)), ALPN_PROOF + 2);
    ck_assert_mem_eq(ASN1_STRING_get0_data(X509_EXTENSION_get_data(extension)), "\x04\x20", 2);
    ck_assert_mem_eq(ASN1_STRING_get0_data(X509_EXTENSION_get_data(extension)) + 2, proof,
                     ALPN_PROOF);
    GENERAL_NAMES_free(names);
    X509_free(x);
    pair_free(&p);
    alpn_server_free(&server);
}
END_TEST

static const struct {
    const char *protocols;
    size_t len;
    const char *host;
} others[] = {
    {"", 0, "a.test"},
    {"\x02h2", 3, "a.test"},
    {"\x0a"
     "acme-tls/1\x02h2",
     14, "a.test"},
    {"\x02h2\x0a"
     "acme-tls/1",
     14, "a.test"},
    {"\x0a"
     "acme-tls/1",
     11, "b.test"},
    {"\x0a"
     "acme-tls/1",
     11, NULL},
};

START_TEST(nobody_else_gets_anything)
{
    struct alpn_server *server = server_with("a.test");
    struct pair p = connect_pair(server, others[_i].protocols, others[_i].len, others[_i].host);

    ck_assert_int_eq(shake_hands(&p), ALPN_FAILED);
    ck_assert_ptr_null(SSL_get0_peer_certificate(p.client));
    pair_free(&p);
    alpn_server_free(&server);
}
END_TEST

START_TEST(what_is_cleared_is_shown_no_more)
{
    struct alpn_server *server = server_with("a.test");
    struct pair p;

    alpn_server_clear(server);
    p = connect_pair(server,
                     "\x0a"
                     "acme-tls/1",
                     11, "a.test");
    ck_assert_int_eq(shake_hands(&p), ALPN_FAILED);
    pair_free(&p);
    alpn_server_free(&server);
}
END_TEST

START_TEST(garbage_is_a_failure)
{
    struct alpn_server *server = server_with("a.test");
    struct pair p = connect_pair(server, "", 0, NULL);

    ck_assert_int_eq(write(p.fds[0], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    ck_assert_int_eq(alpn_connection_step(p.server), ALPN_FAILED);
    pair_free(&p);
    alpn_server_free(&server);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("alpn_challenge");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, the_authority_gets_the_proof);
    tcase_add_loop_test(tc, nobody_else_gets_anything, 0, (int)ARRAY_LEN(others));
    tcase_add_test(tc, what_is_cleared_is_shown_no_more);
    tcase_add_test(tc, garbage_is_a_failure);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
