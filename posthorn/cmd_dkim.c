/*
 * posthorn/cmd_dkim.c - `dkim make|list|show|rotate|remove|check`: keys that sign outgoing mail.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "posthorn/dkim_dns.h"

static const struct column set_columns[] = {
    {"domain", COLUMN_TEXT, false},
    {"selector", COLUMN_TEXT, false},
    {"state", COLUMN_TEXT, false},
    {"time", COLUMN_TEXT, false},
};

static int64_t
now_s(void)
{
    return clock_real_ms() / 1000;
}

struct wish { /* options of the verbs */
    const char *selector;
    bool force, yes;
};

/* Runs a verb on a domain that has keys. */
static int
with_keys(struct cli *cli, const char *domain,
          int (*run)(struct dkim_place *place, const struct wish *wish), const struct wish *wish)
{
    struct dkim_place place;
    int rc = dkim_place_open(&place, cli, domain);

    if (rc == CLI_OK && place.domain.count == 0)
        rc = cli_fail(cli, "%s has no keys; 'posthorn dkim make %s' makes them", place.name,
                      place.name);
    if (rc == CLI_OK)
        rc = run(&place, wish);
    dkim_place_close(&place);
    return rc;
}

/* ---- make ---- */

static int
make_first(struct dkim_place *place, const char *selector)
{
    int rc;

    if (dkim_domain_find(&place->domain, DKIM_ACTIVE) != NULL)
        return cli_fail(place->cli, "%s has keys already; new ones: posthorn dkim rotate %s",
                        place->name, place->name);
    rc = dkim_place_make(place, selector, DKIM_ACTIVE);
    if (rc == CLI_OK)
        rc = dkim_place_tell_keyd(place);
    if (rc == CLI_OK && !place->cli->json)
        (void)printf("; outgoing mail of %s is signed from now on; publish these records:\n",
                     place->name);
    return rc == CLI_OK ? dkim_dns_print(place, (int)place->domain.count - 1) : rc;
}

static int
dkim_make(struct cli *cli, int argc, char **argv)
{
    const char *selector = NULL;
    const struct cli_option options[] = {{"--selector", CLI_TEXT, &selector}};
    struct dkim_place place;
    int rc;

    if (cli_options(cli, &argc, argv, options, 1, 1, 1) != 0)
        return CLI_USAGE;
    rc = dkim_place_open(&place, cli, argv[0]);
    if (rc == CLI_OK)
        rc = make_first(&place, selector);
    dkim_place_close(&place);
    return rc;
}

/* ---- list, show ---- */

struct listing {
    struct cli *cli;
    struct table *table;
    int rc;
};

static void
add_set(struct listing *l, const char *domain, const struct dkim_set *set)
{
    struct strbuf time = strbuf_new(64);

    (void)clock_rfc3339(set->time_s * 1000, &time); /* shorter */
    table_add(l->table,
              (const struct object_field[]){{SLICE("domain"), slice_of(domain)},
                                            {SLICE("selector"), slice_of(set->selector)},
                                            {SLICE("state"), slice_of(dkim_state_name(set->state))},
                                            {SLICE("time"), strbuf_slice(&time)}},
              4);
    strbuf_free(&time);
}

static void
list_domain(void *arg, const char *name)
{
    struct listing *l = arg;
    struct dkim_place place;
    int rc = dkim_place_open(&place, l->cli, name);

    for (size_t i = 0; rc == CLI_OK && i < place.domain.count; i++)
        add_set(l, name, &place.domain.sets[i]);
    if (rc != CLI_OK)
        l->rc = rc;
    dkim_place_close(&place);
}

static int
dkim_list(struct cli *cli, int argc, char **argv)
{
    struct listing l = {.cli = cli, .table = table_new(set_columns, ARRAY_LEN(set_columns))};
    struct dkim_place place;

    if (cli_options(cli, &argc, argv, NULL, 0, 0, 0) != 0)
        return CLI_USAGE;
    l.rc = dkim_place_open_all(&place, cli);
    if (l.rc == CLI_OK && place.dirfd >= 0)
        (void)dkim_dir_list(place.dirfd, list_domain, &l); /* it is open */
    dkim_place_close(&place);
    table_print(&l.table, cli->json);
    return l.rc;
}

static int
show_all(struct dkim_place *place, const struct wish *wish)
{
    (void)wish;
    return dkim_dns_print(place, -1);
}

static int
dkim_show(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    return with_keys(cli, argv[0], show_all, NULL);
}

/* ---- rotate ---- */

/* Retired sets whose time is over have no reader any more. */
static int
drop_old(struct dkim_place *place)
{
    int rc = CLI_OK;

    for (size_t i = place->domain.count; rc == CLI_OK && i-- > 0;)
        if (place->domain.sets[i].state == DKIM_RETIRED && place->domain.sets[i].time_s < now_s())
            rc = dkim_place_drop(place, i);
    return rc;
}

static int
begin_rotation(struct dkim_place *place, const char *selector)
{
    int rc = dkim_place_make(place, selector, DKIM_WAITING);

    if (rc == CLI_OK)
        (void)printf("; publish these records besides the old ones, then say again: posthorn dkim "
                     "rotate %s\n",
                     place->name);
    return rc == CLI_OK ? dkim_dns_print(place, (int)place->domain.count - 1) : rc;
}

static int
end_rotation(struct dkim_place *place, struct dkim_set *waiting, bool force)
{
    struct dkim_set *active = dkim_domain_find(&place->domain, DKIM_ACTIVE);
    int64_t keep_s = (int64_t)conf_u64(place->conf, DKIM_KEEP) / 1000;
    bool published = true;
    int rc = force ? CLI_OK : dkim_dns_check(place, waiting, NULL, &published);

    if (rc == CLI_OK && !published)
        rc =
            cli_fail(place->cli,
                     "the records of '%s' are not in the DNS as they should be ('posthorn dkim "
                     "show %s'); until they are, %s signs; --force switches all the same",
                     waiting->selector, place->name, active != NULL ? active->selector : "nothing");
    if (rc != CLI_OK)
        return rc;
    waiting->state = DKIM_ACTIVE;
    waiting->time_s = now_s();
    if (active != NULL) {
        active->state = DKIM_RETIRED;
        active->time_s = now_s() + keep_s;
    }
    rc = dkim_place_save(place);
    if (rc == CLI_OK)
        rc = dkim_place_tell_keyd(place);
    if (rc == CLI_OK)
        (void)printf("%s signs with '%s' from now on%s%s\n", place->name, waiting->selector,
                     active != NULL ? "; leave the records of the old key in the DNS for now: "
                                    : "",
                     active != NULL ? active->selector : "");
    return rc;
}

static int
rotate(struct dkim_place *place, const struct wish *wish)
{
    struct dkim_set *waiting;
    int rc = drop_old(place);

    if (rc != CLI_OK)
        return rc;
    waiting = dkim_domain_find(&place->domain, DKIM_WAITING);
    if (waiting == NULL)
        return begin_rotation(place, wish->selector);
    if (wish->selector != NULL && strcmp(wish->selector, waiting->selector) != 0)
        return cli_fail(place->cli, "a change to '%s' is under way: end or remove that one first",
                        waiting->selector);
    return end_rotation(place, waiting, wish->force);
}

static int
dkim_rotate(struct cli *cli, int argc, char **argv)
{
    struct wish wish = {.selector = NULL};
    const struct cli_option options[] = {{"--selector", CLI_TEXT, &wish.selector},
                                         {"--force", CLI_FLAG, &wish.force}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    return with_keys(cli, argv[0], rotate, &wish);
}

/* ---- remove ---- */

static int
remove_sets(struct dkim_place *place, const struct wish *wish)
{
    const char *selector = wish->selector;
    bool found = false;
    int rc = CLI_OK;

    if (!wish->yes && !cli_confirm("Remove the private keys for good?"))
        return cli_fail(place->cli, "nothing was removed; --yes answers the question");
    for (size_t i = place->domain.count; rc == CLI_OK && i-- > 0;) {
        if (selector != NULL && strcmp(selector, place->domain.sets[i].selector) != 0)
            continue;
        found = true;
        rc = dkim_place_drop(place, i);
    }
    if (rc == CLI_OK && !found)
        return cli_fail(place->cli, "%s has no key set '%s'", place->name, selector);
    if (rc == CLI_OK && place->domain.count == 0)
        rc = dkim_place_drop_domain(place);
    return rc == CLI_OK ? dkim_place_tell_keyd(place) : rc;
}

static int
dkim_remove(struct cli *cli, int argc, char **argv)
{
    struct wish wish = {.selector = NULL};
    const struct cli_option options[] = {{"--selector", CLI_TEXT, &wish.selector},
                                         {"--yes", CLI_FLAG, &wish.yes}};

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 1) != 0)
        return CLI_USAGE;
    return with_keys(cli, argv[0], remove_sets, &wish);
}

/* ---- check ---- */

static int
check_all(struct dkim_place *place, const struct wish *wish)
{
    struct table *table = table_new(dkim_dns_columns, ARRAY_LEN(dkim_dns_columns));
    bool all_good = true, good;
    int rc = CLI_OK;

    (void)wish;
    for (size_t i = 0; rc == CLI_OK && i < place->domain.count; i++) {
        const struct dkim_set *set = &place->domain.sets[i];

        if (set->state == DKIM_RETIRED && set->time_s < now_s())
            continue;
        rc = dkim_dns_check(place, set, table, &good);
        all_good = all_good && (good || set->state == DKIM_WAITING);
    }
    table_print(&table, place->cli->json);
    return rc == CLI_OK && !all_good ? CLI_FAILED : rc;
}

static int
dkim_check(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    return with_keys(cli, argv[0], check_all, NULL);
}

static const struct cli_verb verbs[] = {
    {"make", "DOMAIN [--selector S] [--json]", "makes its first keys; they sign at once",
     dkim_make},
    {"list", "[--json]", "the key sets of all domains", dkim_list},
    {"show", "DOMAIN [--json]", "the DNS records to publish", dkim_show},
    {"rotate", "DOMAIN [--selector S] [--force]", "makes new keys; said again, signs with them",
     dkim_rotate},
    {"remove", "DOMAIN [--selector S] --yes", "removes all its keys, or one set", dkim_remove},
    {"check", "DOMAIN [--json]", "compares the DNS with the keys", dkim_check},
    {0},
};

const struct command command_dkim = {
    .name = "dkim",
    .summary = "keys that sign outgoing mail: make, list, show, rotate, remove, check",
    .help =
        "A key set has a selector S and two keys, for both algorithms: S-rsa and S-ed25519 are\n"
        "their names below _domainkey.DOMAIN. Without --selector it is the day's date. A set is\n"
        "active (it signs), waiting (for its records to be published) or retired (until the time\n"
        "in the list, dkim.keep after it was replaced, its records stay in the DNS, for mail that\n"
        "is still on its way).\n"
        "rotate makes a set that waits and prints its records. Said again, it looks them up; are\n"
        "they there, the new set signs and the old one is retired. --force does not look.\n"
        "check ends with 1 if a record of an active or retired set is missing or wrong.\n",
    .verbs = verbs,
};
