/*
 * t/unit/test_tls_key.c - handshakes whose key is with somebody else: lib/ipc/tls_key,
 * lib/tls/key_channel and lib/tls/remote_key on one side, keyd/tls_keys on the other.
 */
// LINK: keyd/tls_form.c
// LINK: keyd/tls_keys.c
#include <check.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keyd/tls_keys.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/tls/key_id.h"
#include "lib/tls/tls.h"

#define STEP_MS 8000

static char dir_path[] = "/tmp/test_tls_key_XXXXXX";
static char cert_path[64], key_path[64], other_path[64];
static bool signs_old; /* keyd's tls.old_ports */
static enum tls_oldest oldest;
static int channel[2]; /* [0] the service's, [1] keyd's */

static void
write_pair(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    FILE *f = fopen(key_path, "w");

    ck_assert(cert != NULL && f != NULL);
    ck_assert_int_eq(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
    ck_assert_int_eq(X509_set_pubkey(cert, key), 1);
    ck_assert_int_gt(X509_sign(cert, key, EVP_PKEY_is_a(key, "ED25519") == 1 ? NULL : EVP_sha256()),
                     0);
    f = fopen(cert_path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_X509(f, cert), 1);
    ck_assert_int_eq(fclose(f), 0);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void
set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir_path));
    (void)snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", dir_path);
    (void)snprintf(key_path, sizeof(key_path), "%s/key.pem", dir_path);
    (void)snprintf(other_path, sizeof(other_path), "%s/other.pem", dir_path);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, channel), 0);
}

static void
tear_down(void)
{
    tls_use_key_channel(-1);
    (void)close(channel[0]);
    (void)close(channel[1]);
    (void)unlink(cert_path);
    (void)unlink(key_path);
    (void)unlink(other_path);
    (void)rmdir(dir_path);
}

static struct tls_keys *
load(const char *path, bool required, struct strbuf *error)
{
    static struct tls_files files;

    files.count = 1;
    files.items[0] =
        (struct tls_file){.path = key_path, .fd = open(path, O_RDONLY), .required = required};
    ck_assert_int_eq(key_id_of_certificate(cert_path, files.items[0].id, error), 0);
    return tls_keys_load(&files, error);
}

/* keyd: answers until its parent has gone. It forgets the first `forget` questions. */
static pid_t
start_keyd(unsigned forget)
{
    struct strbuf error = strbuf_new(1000), frame = strbuf_new(TLS_KEY_DATAGRAM_MAX);
    char datagram[TLS_KEY_DATAGRAM_MAX];
    unsigned char signature[TLS_KEY_SIGNATURE_MAX];
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid > 0) {
        strbuf_free(&error);
        return pid;
    }
    struct tls_keys *keys = load(key_path, true, &error);
    for (;;) {
        ssize_t n = recv(channel[1], datagram, sizeof(datagram), 0);
        struct tls_key_answer answer;
        struct tls_key_ask ask;
        uint32_t id;

        if (n <= 0 || keys == NULL)
            _exit(EXIT_FAILURE);
        if (forget > 0 && forget--)
            continue;
        if (tls_key_ask_decode(slice_make(datagram, (size_t)n), &id, &ask) < 0)
            _exit(EXIT_FAILURE);
        answer = tls_keys_sign(keys, &ask, signs_old, signature);
        strbuf_clear(&frame);
        /* an old answer first: it is not taken for the one that was asked for */
        (void)tls_key_answer_encode(&frame, id - 1, &answer);
        (void)send(channel[1], frame.ptr, frame.len, 0);
        strbuf_clear(&frame);
        (void)tls_key_answer_encode(&frame, id, &answer);
        (void)send(channel[1], frame.ptr, frame.len, 0);
    }
}

/* The client's view of one handshake; `version` is the newest it speaks. */
static pid_t
start_client(int fd, int version)
{
    pid_t pid = fork();

    if (pid == 0) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
        SSL *ssl = ctx == NULL ? NULL : SSL_new(ctx);
        bool good =
            ssl != NULL && SSL_set_max_proto_version(ssl, version) == 1 &&
            (version >= TLS1_2_VERSION || (SSL_set_min_proto_version(ssl, version) == 1 &&
                                           SSL_set_cipher_list(ssl, "ALL:@SECLEVEL=0") == 1)) &&
            SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1 && SSL_version(ssl) == version;
        char byte;

        good = good && SSL_read(ssl, &byte, 1) == 1 && byte == 'x';
        _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    return pid;
}

static int
status_of(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static bool
shake_hands(int version)
{
    struct strbuf error = strbuf_new(1000);
    struct tls_context *ctx = tls_server_context(cert_path, NULL, &error);
    int ends[2];
    struct tls *tls;
    pid_t client;
    bool done;

    ck_assert_msg(ctx != NULL, "%s", strbuf_cstr(&error));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client = start_client(ends[1], version);
    (void)close(ends[1]);
    tls_use_key_channel(channel[0]);
    tls = tls_accept(ctx, ends[0], oldest, clock_mono_ms() + STEP_MS);
    done = tls != NULL && tls_write(tls, "x", 1, clock_mono_ms() + STEP_MS) == 1;
    tls_close(&tls);
    (void)close(ends[0]);
    ck_assert(done == (status_of(client) == 0));
    tls_context_free(&ctx);
    strbuf_free(&error);
    return done;
}

static EVP_PKEY *
make_key(const char *type)
{
    if (strcmp(type, "RSA") == 0)
        return EVP_RSA_gen(2048);
    return strcmp(type, "ED25519") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, type) : EVP_EC_gen(type);
}

static const struct {
    const char *type;
    int version;
} handshakes[] = {
    {"RSA", TLS1_3_VERSION},     {"RSA", TLS1_2_VERSION},     {"P-256", TLS1_3_VERSION},
    {"P-256", TLS1_2_VERSION},   {"P-384", TLS1_3_VERSION},   {"P-384", TLS1_2_VERSION},
    {"ED25519", TLS1_3_VERSION}, {"ED25519", TLS1_2_VERSION},
};

START_TEST(a_key_that_is_elsewhere_signs_handshakes)
{
    pid_t keyd;

    write_pair(make_key(handshakes[_i].type));
    keyd = start_keyd(0);
    ck_assert_msg(shake_hands(handshakes[_i].version), "%s: %s", handshakes[_i].type,
                  tls_last_error());
    ck_assert(shake_hands(handshakes[_i].version)); /* nothing is used up */
    (void)kill(keyd, SIGKILL);
    (void)status_of(keyd);
}
END_TEST

static const struct {
    const char *type;
    int version;
    enum tls_oldest oldest;
    bool signs_old, done;
} old_handshakes[] = {
    {"RSA", TLS1_VERSION, TLS_SINCE_1_0, true, true},
    {"RSA", TLS1_1_VERSION, TLS_SINCE_1_0, true, true},
    {"P-256", TLS1_VERSION, TLS_SINCE_1_0, true, true},
    {"P-384", TLS1_1_VERSION, TLS_SINCE_1_0, true, true},
    {"ED25519", TLS1_1_VERSION, TLS_SINCE_1_0, true, false}, /* there is no such signature */
    {"RSA", TLS1_2_VERSION, TLS_SINCE_1_0, true, true},
    {"RSA", TLS1_3_VERSION, TLS_SINCE_1_0, true, true},
    {"P-256", TLS1_3_VERSION, TLS_SINCE_1_0, true, true},
    {"ED25519", TLS1_3_VERSION, TLS_SINCE_1_0, true, true},
    {"RSA", TLS1_1_VERSION, TLS_SINCE_1_2, true, false}, /* another port's */
    {"RSA", TLS1_1_VERSION, TLS_SINCE_1_0, false, false},
    {"P-256", TLS1_1_VERSION, TLS_SINCE_1_0, false, false},
};

START_TEST(old_versions_where_port_and_keyd_take_them)
{
    pid_t keyd;

    signs_old = old_handshakes[_i].signs_old;
    oldest = old_handshakes[_i].oldest;
    write_pair(make_key(old_handshakes[_i].type));
    keyd = start_keyd(0);
    ck_assert(shake_hands(old_handshakes[_i].version) == old_handshakes[_i].done);
    (void)kill(keyd, SIGKILL);
    (void)status_of(keyd);
}
END_TEST

START_TEST(a_question_that_got_lost_is_asked_again)
{
    pid_t keyd;

    write_pair(EVP_EC_gen("P-256"));
    keyd = start_keyd(1);
    ck_assert(shake_hands(TLS1_3_VERSION));
    (void)kill(keyd, SIGKILL);
    (void)status_of(keyd);
}
END_TEST

START_TEST(without_keyd_a_handshake_fails_in_time)
{
    int64_t began = clock_mono_ms();

    write_pair(EVP_EC_gen("P-256"));
    ck_assert(!shake_hands(TLS1_3_VERSION));
    ck_assert_str_eq(tls_last_error(), "keyd does not answer");
    ck_assert_int_lt(clock_mono_ms() - began, STEP_MS);
}
END_TEST

START_TEST(keyd_has_another_key)
{
    EVP_PKEY *other = EVP_EC_gen("P-256");
    pid_t keyd;

    write_pair(EVP_EC_gen("P-256"));
    keyd = start_keyd(0);
    ck_assert(shake_hands(TLS1_3_VERSION)); /* it has read the key, before another comes */
    write_pair(other);
    ck_assert(!shake_hands(TLS1_3_VERSION));
    ck_assert_str_eq(tls_last_error(), "keyd does not have the key of this certificate");
    (void)kill(keyd, SIGKILL);
    (void)status_of(keyd);
}
END_TEST

START_TEST(keyd_signs_nothing_but_handshakes)
{
    struct strbuf error = strbuf_new(1000);
    unsigned char buf[TLS_KEY_SIGNATURE_MAX], id[TLS_KEY_ID];
    struct tls_key_ask ask = {.scheme = TLS_ECDSA_SHA256, .content = SLICE("anything else")};
    struct tls_keys *keys;

    write_pair(EVP_EC_gen("P-256"));
    keys = load(key_path, true, &error);
    ck_assert_ptr_nonnull(keys);
    ck_assert_uint_eq(tls_keys_count(keys), 1);
    ck_assert_int_eq(key_id_of_certificate(cert_path, id, &error), 0);
    ask.key = slice_make((const char *)id, sizeof(id));
    ck_assert_uint_eq(tls_keys_sign(keys, &ask, true, buf).result, TLS_KEY_REFUSED);
    ask.scheme = TLS_RSA_PSS_SHA256; /* of another type of key */
    ck_assert_uint_eq(tls_keys_sign(keys, &ask, true, buf).result, TLS_KEY_REFUSED);
    id[0] ^= 1;
    ck_assert_uint_eq(tls_keys_sign(keys, &ask, true, buf).result, TLS_KEY_UNKNOWN);
    tls_keys_free(&keys);
    strbuf_free(&error);
}
END_TEST

START_TEST(a_key_file_that_is_no_good_is_named)
{
    struct strbuf error = strbuf_new(1000);
    EVP_PKEY *other = EVP_EC_gen("P-256");
    struct tls_keys *keys;
    FILE *f;

    write_pair(EVP_EC_gen("P-256"));
    f = fopen(other_path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(PEM_write_PrivateKey(f, other, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_ptr_null(load(other_path, true, &error));
    ck_assert(strstr(strbuf_cstr(&error), "does not belong to its certificate") != NULL);
    strbuf_clear(&error);
    ck_assert_ptr_null(load(cert_path, true, &error));
    ck_assert(strstr(strbuf_cstr(&error), "no private key") != NULL);
    keys = load(other_path, false, &error); /* one of the list: the others count */
    ck_assert_ptr_nonnull(keys);
    ck_assert_uint_eq(tls_keys_count(keys), 0);
    tls_keys_free(&keys);
    EVP_PKEY_free(other);
    strbuf_free(&error);
}
END_TEST

START_TEST(datagrams_are_whole_frames_of_their_type)
{
    struct strbuf frame = strbuf_new(TLS_KEY_DATAGRAM_MAX);
    char key[TLS_KEY_ID] = {1};
    struct tls_key_ask ask = {slice_make(key, sizeof(key)), TLS_ED25519, SLICE("x")}, read;
    struct tls_key_answer answer = {.result = TLS_KEY_UNKNOWN};
    uint32_t id = 0;

    ck_assert_int_eq(tls_key_ask_encode(&frame, 7, &ask), 0);
    ck_assert_int_eq(tls_key_ask_decode(strbuf_slice(&frame), &id, &read), 0);
    ck_assert_uint_eq(id, 7);
    ck_assert(slice_eq(read.content, ask.content) && read.scheme == TLS_ED25519);
    ck_assert_int_eq(tls_key_answer_decode(strbuf_slice(&frame), &id, &answer), -1);
    for (size_t cut = 0; cut < frame.len; cut++)
        ck_assert_int_eq(tls_key_ask_decode(slice_make(frame.ptr, cut), &id, &read), -1);
    (void)strbuf_char(&frame, 'x');
    ck_assert_int_eq(tls_key_ask_decode(strbuf_slice(&frame), &id, &read), -1);
    strbuf_clear(&frame);
    answer = (struct tls_key_answer){.result = TLS_KEY_SIGNED}; /* but there is no signature */
    ck_assert_int_eq(tls_key_answer_encode(&frame, 7, &answer), 0);
    ck_assert_int_eq(tls_key_answer_decode(strbuf_slice(&frame), &id, &answer), -1);
    strbuf_free(&frame);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tls_key");
    TCase *tc = tcase_create("tls_key");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_loop_test(tc, a_key_that_is_elsewhere_signs_handshakes, 0,
                        (int)ARRAY_LEN(handshakes));
    tcase_add_loop_test(tc, old_versions_where_port_and_keyd_take_them, 0,
                        (int)ARRAY_LEN(old_handshakes));
    tcase_add_test(tc, a_question_that_got_lost_is_asked_again);
    tcase_add_test(tc, without_keyd_a_handshake_fails_in_time);
    tcase_add_test(tc, keyd_has_another_key);
    tcase_add_test(tc, keyd_signs_nothing_but_handshakes);
    tcase_add_test(tc, a_key_file_that_is_no_good_is_named);
    tcase_add_test(tc, datagrams_are_whole_frames_of_their_type);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
