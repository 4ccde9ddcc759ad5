/*
 * posthorn/dkim_dns.c - prints the records of DKIM keys and compares them with the DNS.
 *
 * Answers come from dnsd and were written by whoever owns the names: they are compared.
 */
#include "posthorn/dkim_dns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/dkim/record.h"
#include "lib/ipc/client.h"
#include "lib/ipc/dnsd.h"

enum { ANSWER_MS = 30000 };

static const struct column record_columns[] = {
    {"name", COLUMN_TEXT, false},
    {"type", COLUMN_TEXT, false},
    {"value", COLUMN_TEXT, false},
    {"state", COLUMN_TEXT, false},
};
const struct column dkim_dns_columns[4] = {
    {"name", COLUMN_TEXT, false},
    {"state", COLUMN_TEXT, false},
    {"result", COLUMN_TEXT, false},
    {"text", COLUMN_TEXT, false},
};

/* "20261127-rsa._domainkey.d.test" (RFC 6376 section 3.6.2.1). */
static char *
record_name(const struct dkim_place *place, const struct dkim_set *set,
            enum dkim_algorithm algorithm)
{
    char selector[DKIM_NAME_MAX + 1];

    dkim_selector_name(set, algorithm, selector);
    return xasprintf("%s._domainkey.%s", selector, place->name);
}

/* As in a zone file: strings of at most 255 bytes (RFC 1035 sections 3.3 and 5.1). */
static void
print_record(const char *name, struct slice value)
{
    (void)printf("%s. IN TXT (", name); /* flushed, and looked at, when the program ends */
    for (; value.len > 0; value = slice_sub(value, DKIM_TXT_STRING, value.len)) {
        struct slice part = slice_sub(value, 0, DKIM_TXT_STRING);

        (void)printf(" \"%.*s\"", (int)part.len, part.ptr);
    }
    (void)printf(" )\n");
}

static int
print_set(struct dkim_place *place, const struct dkim_set *set, struct table *table)
{
    int rc = CLI_OK;

    for (int i = 0; rc == CLI_OK && i < DKIM_ALGORITHMS; i++) {
        enum dkim_algorithm algorithm = (enum dkim_algorithm)i;
        struct strbuf key = strbuf_new(DKIM_PUBLIC_KEY_MAX), value = strbuf_new(DKIM_RECORD_MAX);
        char *name = record_name(place, set, algorithm);

        rc = dkim_place_public(place, set, algorithm, &key);
        if (rc == CLI_OK) {
            (void)dkim_record_write(algorithm, strbuf_slice(&key), &value); /* it fits */
            if (table == NULL)
                print_record(name, strbuf_slice(&value));
            else
                table_add(table,
                          (const struct object_field[]){
                              {SLICE("name"), slice_of(name)},
                              {SLICE("type"), SLICE("TXT")},
                              {SLICE("value"), strbuf_slice(&value)},
                              {SLICE("state"), slice_of(dkim_state_name(set->state))}},
                          4);
        }
        free(name);
        strbuf_free(&key);
        strbuf_free(&value);
    }
    return rc;
}

int
dkim_dns_records(struct dkim_place *place, int only, struct table *table)
{
    int rc = CLI_OK;

    for (size_t i = 0; rc == CLI_OK && i < place->domain.count; i++) {
        const struct dkim_set *set = &place->domain.sets[i];

        if (only >= 0 && (size_t)only != i)
            continue;
        if (set->state == DKIM_RETIRED && set->time_s < clock_real_ms() / 1000)
            continue; /* has done its time */
        rc = print_set(place, set, table);
    }
    return rc;
}

int
dkim_dns_print(struct dkim_place *place, int only)
{
    struct table *table =
        place->cli->json ? table_new(record_columns, ARRAY_LEN(record_columns)) : NULL;
    int rc = dkim_dns_records(place, only, table);

    if (table == NULL)
        return rc;
    if (rc == CLI_OK)
        table_print(&table, true);
    else
        table_free(&table);
    return rc;
}

/* ---- comparing ---- */

/* NULL: the one record there is, is right. */
static const char *
judge(const struct dnsd_answer *answer, enum dkim_algorithm algorithm, struct slice key)
{
    switch (answer->status) {
    case DNS_NODATA:
    case DNS_NXDOMAIN:
        return "there is no such record";
    case DNS_TEMPORARY:
        return answer->bogus ? "its DNSSEC signatures are wrong" : "no answer from the DNS";
    default:
        break;
    }
    if (answer->count != 1) /* RFC 6376 section 3.6.2.2: what verifiers do then is undefined */
        return "there is more than one TXT record";
    return dkim_record_check(answer->records[0].data, algorithm, key);
}

static void
tell(const struct dkim_place *place, const struct dkim_set *set, struct table *table,
     const char *name, const char *why)
{
    if (table != NULL)
        table_add(
            table,
            (const struct object_field[]){{SLICE("name"), slice_of(name)},
                                          {SLICE("state"), slice_of(dkim_state_name(set->state))},
                                          {SLICE("result"), slice_of(why == NULL ? "ok" : "fail")},
                                          {SLICE("text"), slice_of(why == NULL ? "" : why)}},
            4);
    else if (why != NULL)
        cli_warn(place->cli, "%s: %s", name, why);
}

static int
check_record(struct dkim_place *place, struct ipc_client *dns, const struct dkim_set *set,
             enum dkim_algorithm algorithm, struct table *table, bool *good)
{
    struct strbuf key = strbuf_new(DKIM_PUBLIC_KEY_MAX);
    struct dnsd_answer *answer = xcalloc(1, sizeof(*answer));
    char *name = record_name(place, set, algorithm);
    int rc = dkim_place_public(place, set, algorithm, &key);

    if (rc == CLI_OK) {
        const char *why;

        dnsd_call(dns, DNS_TXT, slice_of(name), ANSWER_MS, answer);
        why = judge(answer, algorithm, strbuf_slice(&key));
        *good = *good && why == NULL;
        tell(place, set, table, name, why);
    }
    free(name);
    free(answer);
    strbuf_free(&key);
    return rc;
}

int
dkim_dns_check(struct dkim_place *place, const struct dkim_set *set, struct table *table,
               bool *good)
{
    int run_dirfd = open(place->cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct ipc_client *dns = ipc_client_new(run_dirfd, DNSD_SOCKET, DNSD_PAYLOAD_MAX);
    int rc = CLI_OK;

    *good = true;
    if (ipc_client_connect(dns, 2000) < 0)
        rc = cli_fail(place->cli, "dnsd cannot be asked: %s; start it: posthorn start",
                      strerror(errno));
    for (int i = 0; rc == CLI_OK && i < DKIM_ALGORITHMS; i++)
        rc = check_record(place, dns, set, (enum dkim_algorithm)i, table, good);
    ipc_client_free(&dns);
    close_keep_errno(run_dirfd);
    return rc;
}
