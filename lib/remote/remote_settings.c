/*
 * lib/remote/remote_settings.c - takes the settings out of the configuration, once, at start.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/lists.h"
#include "lib/dkim/key_dir.h"
#include "lib/remote/remote_settings.h"

enum { SMTP_PORT = 25 };

__attribute__((format(printf, 2, 3))) static _Noreturn void
refuse(const char *setting, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fprintf(stderr, "%s: ", setting);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(EX_CONFIG);
}

/* ---- servers that the configuration names ---- */

static void
load_passwords(const struct host_list *list, const struct secret_place *place)
{
    struct strbuf error = strbuf_new(4096);

    if (passwords_read(list->hosts, list->count, place, &error) < 0)
        refuse("remote.relay_passwords", "%s", strbuf_cstr(&error));
    strbuf_free(&error);
}

static void
load_relays(struct remote_settings *s, const struct conf *conf)
{
    struct host_list *relays = &s->relays;

    relays->count = conf_list_count(conf, REMOTE_RELAY_HOSTS);
    relays->hosts = xcalloc(relays->count + 1, sizeof(*relays->hosts));
    for (size_t i = 0; i < relays->count; i++) {
        const char *text = conf_list_item(conf, REMOTE_RELAY_HOSTS, i);
        const char *expected = route_host_parse(slice_of(text), s->port, &relays->hosts[i].route);

        if (expected != NULL)
            refuse("remote.relay_hosts", "expected %s: %s", expected, text);
    }
    if (relays->count == 0 && s->policy != POLICY_DNS)
        refuse("remote.policy", "needs at least one host in remote.relay_hosts");
}

static void
load_direct(struct remote_settings *s, const struct conf *conf, const struct instance *inst)
{
    struct list_file *list = lists_load_or_exit(s->program, conf, inst, REMOTE_DIRECT_DOMAINS);
    struct strbuf error = strbuf_new(4096);

    if (direct_load(&s->direct, list, s->port, &error) < 0)
        refuse("remote.direct_domains", "%s", strbuf_cstr(&error));
    strbuf_free(&error);
    list_file_free(&list);
}

static void
load_servers(struct remote_settings *s, const struct conf *conf, const struct instance *inst)
{
    struct secret_place place = secret_place_new(conf, inst, REMOTE_RELAY_PASSWORDS);

    load_relays(s, conf);
    load_direct(s, conf, inst);
    load_passwords(&s->relays, &place);
    for (size_t i = 0; i < s->direct.count; i++)
        load_passwords(&s->direct.domains[i].servers, &place);
    secret_place_free(&place);
}

/* ---- TLS ---- */

static struct tls_context *
make_tls(const char *setting, const char *ca_path)
{
    struct strbuf error = strbuf_new(1024);
    struct tls_context *ctx = tls_client_context(ca_path, &error);

    if (ctx == NULL)
        refuse(setting, "%s", strbuf_cstr(&error));
    strbuf_free(&error);
    return ctx;
}

static bool
wants_login(const struct host_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->hosts[i].route.user != NULL)
            return true;
    return false;
}

static struct tls_context *
make_dane(void)
{
    struct strbuf error = strbuf_new(1024);
    struct tls_context *ctx = tls_dane_context(&error);

    if (ctx == NULL)
        refuse("tls", "%s", strbuf_cstr(&error));
    strbuf_free(&error);
    return ctx;
}

static struct tls_context *
make_verifying(enum conf_id id, const struct conf *conf, const struct instance *inst)
{
    char *path = instance_etc_path(inst, conf_str(conf, id));
    struct tls_context *ctx =
        make_tls(id == REMOTE_RELAY_CA ? "remote.relay_ca" : "remote.verify_ca", path);

    free(path);
    return ctx;
}

/* The authorities are read here: the agents can open no file. */
static void
load_tls(struct remote_settings *s, const struct conf *conf, const struct instance *inst)
{
    struct list_file *table = lists_load_or_exit(s->program, conf, inst, REMOTE_TLS_TABLE);
    bool verified = wants_login(&s->relays);

    for (size_t i = 0; i < s->direct.count; i++)
        verified = verified || wants_login(&s->direct.domains[i].servers);
    s->use_starttls = conf_bool(conf, REMOTE_USE_STARTTLS);
    s->heed_dane = s->use_starttls && conf_bool(conf, REMOTE_DANE);
    s->heed_sts = s->use_starttls && conf_bool(conf, REMOTE_MTA_STS);
    s->tell_outcomes = s->use_starttls && conf_bool(conf, TLSRPT_SEND);
    s->tls_table = tls_table_new(table);
    list_file_free(&table);
    s->client.tls = make_tls("tls", NULL);
    s->dane_tls = make_dane();
    s->authority_tls = make_verifying(REMOTE_VERIFY_CA, conf, inst);
    if (verified)
        s->client.verifying_tls = make_verifying(REMOTE_RELAY_CA, conf, inst);
}

static enum policy
load_policy(const struct conf *conf)
{
    const char *word = conf_str(conf, REMOTE_POLICY);

    if (strcmp(word, "relay") == 0)
        return POLICY_RELAY;
    return strcmp(word, "dns") == 0 ? POLICY_DNS : POLICY_DNS_THEN_RELAY;
}

/* One address of each family at most: which of two would be meant nobody could say. */
static void
load_sources(struct remote_settings *s, const struct conf *conf)
{
    for (size_t i = 0; i < conf_list_count(conf, REMOTE_SOURCE_IP); i++) {
        const char *text = conf_list_item(conf, REMOTE_SOURCE_IP, i);
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

        if (inet_pton(AF_INET, text, &v4.sin_addr) == 1 && s->sources.v4.sin_family == 0)
            s->sources.v4 = v4;
        else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1 && s->sources.v6.sin6_family == 0)
            s->sources.v6 = v6;
        else
            refuse("remote.source_ip", "expected one IPv4 and one IPv6 address at most: %s", text);
    }
    s->client.sources = &s->sources;
}

static int64_t
milliseconds(const struct conf *conf, enum conf_id id)
{
    return (int64_t)conf_u64(conf, id); /* the table's range is far below INT64_MAX */
}

static struct smtp_timeouts
load_timeouts(const struct conf *conf)
{
    return (struct smtp_timeouts){
        .connect = milliseconds(conf, REMOTE_CONNECT_TIMEOUT),
        .greeting = milliseconds(conf, REMOTE_GREETING_TIMEOUT),
        .command = milliseconds(conf, REMOTE_COMMAND_TIMEOUT),
        .tls = milliseconds(conf, REMOTE_TLS_TIMEOUT),
        .data_start = milliseconds(conf, REMOTE_DATA_START_TIMEOUT),
        .data_block = milliseconds(conf, REMOTE_DATA_BLOCK_TIMEOUT),
        .data_end = milliseconds(conf, REMOTE_DATA_END_TIMEOUT),
    };
}

static void
note_key(void *arg, const char *domain)
{
    bool *keys_exist = arg;

    (void)domain;
    *keys_exist = true;
}

/* Whether there are keys is looked at here: it counts when keyd cannot be asked. */
static void
load_signing(struct remote_settings *s, const struct conf *conf, const struct instance *inst)
{
    char *path = instance_etc_path(inst, DKIM_DIR);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    s->signing = (struct signing_settings){
        .sign = conf_bool(conf, DKIM_SIGN),
        .seal = conf_bool(conf, DKIM_SEAL),
        .wait_for_key = strcmp(conf_str(conf, DKIM_WITHOUT_KEY), "defer") == 0,
        .wait_for_keyd = strcmp(conf_str(conf, DKIM_ON_FAILURE), "defer") == 0,
        .timeout_ms = milliseconds(conf, DKIM_TIMEOUT),
        .dns_timeout_ms = milliseconds(conf, REMOTE_DNS_TIMEOUT),
        .hostname = conf_str(conf, SYSTEM_HOSTNAME),
    };
    if (fd >= 0)
        (void)dkim_dir_list(fd, note_key, &s->signing.keys_exist); /* unreadable: as if empty */
    close_keep_errno(fd);
    free(path);
}

static void
load_proxy(struct remote_settings *s, const struct conf *conf, const struct instance *inst)
{
    struct strbuf error = strbuf_new(4096);

    if (proxy_load(&s->proxy, conf, inst, &error) < 0)
        refuse("proxy", "%s", strbuf_cstr(&error));
    strbuf_free(&error);
    if (s->proxy.used && s->proxy.socks.version == SOCKS_4)
        s->use_ipv6 = false;
}

static void
load_senders(struct remote_settings *s, const struct conf *conf, const struct instance *inst)
{
    struct list_file *list = lists_load_or_exit(s->program, conf, inst, QUEUE_HEADER_REPLACE);

    s->senders = sender_table_new(list, SENDER_REMOTE);
    list_file_free(&list);
}

void
remote_settings_load(struct remote_settings *s, const char *program, const struct conf *conf,
                     const struct instance *inst)
{
    const char *helo_name = conf_str(conf, SMTP_HELO_NAME);
    const char *protocols = conf_str(conf, REMOTE_PROTOCOLS);

    *s = (struct remote_settings){
        .program = program,
        .hostname = conf_str(conf, SYSTEM_HOSTNAME),
        .policy = load_policy(conf),
        .port = (uint16_t)conf_u64(conf, REMOTE_PORT),
        .own_port = (uint16_t)(SMTP_PORT + conf_u64(conf, SYSTEM_PORT_OFFSET)),
        .use_ipv4 = strcmp(protocols, "ipv6") != 0,
        .use_ipv6 = strcmp(protocols, "ipv4") != 0,
        .max_addresses = (unsigned)conf_u64(conf, REMOTE_MAX_ADDRESSES),
        .workers = (unsigned)conf_u64(conf, REMOTE_WORKERS),
        .messages_per_connection = (unsigned)conf_u64(conf, REMOTE_MESSAGES_PER_CONNECTION),
        .timeout_ms = milliseconds(conf, REMOTE_TIMEOUT),
        .dns_timeout_ms = milliseconds(conf, REMOTE_DNS_TIMEOUT),
        .idle_ms = milliseconds(conf, REMOTE_IDLE_TIME),
        .direct_fallback = conf_bool(conf, REMOTE_DIRECT_FALLBACK),
    };
    s->helo_name = helo_name[0] != '\0' ? helo_name : s->hostname;
    s->client = (struct smtp_client_options){
        .helo_name = s->helo_name,
        .demand_tls = conf_bool(conf, REMOTE_DEMAND_TLS),
        .timeouts = load_timeouts(conf),
    };
    load_sources(s, conf);
    load_servers(s, conf, inst);
    load_tls(s, conf, inst);
    load_signing(s, conf, inst);
    load_senders(s, conf, inst);
    load_proxy(s, conf, inst);
}
