/*
 * t/unit/test_tls_name.c - lib/tls: the host name that a client asked for, also when it comes back.
 */
#include <check.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/tls/tls.h"

#define STEP_MS 8000
#define HOST "mail.d.test"

static char dir_path[] = "/tmp/test_tls_name_XXXXXX";
static char cert_path[64], key_path[64];

static void
set_up(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(dir_path));
    (void)snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", dir_path);
    (void)snprintf(key_path, sizeof(key_path), "%s/key.pem", dir_path);
    f = fopen(key_path, "w");
    ck_assert(cert != NULL && f != NULL);
    ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
    ck_assert_int_gt(X509_sign(cert, key, EVP_sha256()), 0);
    f = fopen(cert_path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_X509(f, cert), 1);
    ck_assert_int_eq(fclose(f), 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void
tear_down(void)
{
    (void)unlink(cert_path);
    (void)unlink(key_path);
    (void)rmdir(dir_path);
}

/* One connection of the client's. Its session, to come back with, or NULL: it failed, or `old` was
 * not taken. */
static SSL_SESSION *
visit(SSL_CTX *ctx, int fd, const char *host, SSL_SESSION *old)
{
    SSL *ssl = SSL_new(ctx);
    SSL_SESSION *session = NULL;
    char byte;

    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1 &&
        (host == NULL || SSL_set_tlsext_host_name(ssl, host) == 1) &&
        (old == NULL || SSL_set_session(ssl, old) == 1) && SSL_connect(ssl) == 1 &&
        SSL_read(ssl, &byte, 1) == 1 && SSL_session_reused(ssl) == (old != NULL))
        session = SSL_get1_session(ssl);
    (void)SSL_shutdown(ssl); /* a session that does not end well is good for nothing */
    SSL_free(ssl);
    return session;
}

/* Comes twice, the second time with what it has got the first. */
static pid_t
start_client(const int fds[2], int version, const char *host)
{
    SSL_SESSION *first = NULL, *second = NULL;
    pid_t pid = fork();
    SSL_CTX *ctx;

    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx != NULL && SSL_CTX_set_max_proto_version(ctx, version) == 1)
        first = visit(ctx, fds[0], host, NULL);
    if (first != NULL)
        second = visit(ctx, fds[1], host, first);
    _exit(second != NULL ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void
serve(struct tls_context *ctx, int fd, const char *host)
{
    struct tls *tls = tls_accept(ctx, fd, TLS_SINCE_1_2, clock_mono_ms() + STEP_MS);

    ck_assert_msg(tls != NULL, "%s", tls_last_error());
    ck_assert(slice_eq(tls_server_name(tls), slice_of(host)));
    ck_assert_int_eq(tls_write(tls, "x", 1, clock_mono_ms() + STEP_MS), 1);
    tls_close(&tls);
}

static void
two_visits(int version, const char *host)
{
    struct strbuf error = strbuf_new(1000);
    struct tls_context *ctx = tls_server_context(cert_path, key_path, &error);
    int first[2], second[2], status;
    pid_t client;

    ck_assert_msg(ctx != NULL, "%s", strbuf_cstr(&error));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, first), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, second), 0);
    client = start_client((int[]){first[0], second[0]}, version, host);
    serve(ctx, first[1], host);
    serve(ctx, second[1], host);
    ck_assert_int_eq(waitpid(client, &status, 0), client);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    for (size_t i = 0; i < 2; i++) {
        (void)close(first[i]);
        (void)close(second[i]);
    }
    tls_context_free(&ctx);
    strbuf_free(&error);
}

START_TEST(a_client_that_comes_back_has_its_name)
{
    two_visits(TLS1_2_VERSION, HOST);
    two_visits(TLS1_3_VERSION, HOST);
}
END_TEST

START_TEST(who_asks_for_no_name_has_none)
{
    two_visits(TLS1_2_VERSION, NULL);
    two_visits(TLS1_3_VERSION, NULL);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("tls_name");
    TCase *tc = tcase_create("tls_name");
    SRunner *sr;
    int failed;

    tcase_add_unchecked_fixture(tc, set_up, tear_down);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_client_that_comes_back_has_its_name);
    tcase_add_test(tc, who_asks_for_no_name_has_none);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
