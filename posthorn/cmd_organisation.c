/*
 * posthorn/cmd_organisation.c - `organisation`: the units of a domain, companies and departments.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "posthorn/accounts.h"

#define DEPTH_MAX 16 /* accountd makes no deeper ones */

static int
organisation_add(struct cli *cli, int argc, char **argv)
{
    if (cli_options(cli, &argc, argv, NULL, 0, 1, ACCOUNTS_FIELDS_MAX) != 0)
        return CLI_USAGE;
    return accounts_add(cli, ACCOUNT_UNIT, argv[0], NULL, 0, argv + 1, argc - 1);
}

static int
organisation_del(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_del(cli, argc, argv, ACCOUNT_UNIT);
}

static int
organisation_list(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_list(cli, argc, argv, ACCOUNT_UNIT, "--domain");
}

static int
organisation_show(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_show(cli, argc, argv, ACCOUNT_UNIT);
}

static int
organisation_set(struct cli *cli, int argc, char **argv)
{
    return accounts_cmd_set(cli, argc, argv, ACCOUNT_UNIT);
}

/* ---- tree ---- */

struct unit {
    char *name, *parent, *full_name; /* name: without its domain */
    uint64_t order;
};
struct tree {
    struct unit *units;
    size_t count;
};

static void
take_unit(void *arg, const struct object_field *fields, uint32_t count)
{
    struct tree *tree = arg;
    struct slice name = object_get(fields, count, "name");
    struct unit unit = {.name = xslicedup(slice_sub(name, 0, slice_rindex(name, '@'))),
                        .parent = xslicedup(object_get(fields, count, "parent")),
                        .full_name = xslicedup(object_get(fields, count, "full_name"))};

    (void)parse_u64(object_get(fields, count, "display_order"), UINT64_MAX, &unit.order);
    tree->units = xreallocarray(tree->units, tree->count + 1, sizeof(*tree->units));
    tree->units[tree->count++] = unit;
}

static int
compare_units(const void *a, const void *b)
{
    const struct unit *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return strcmp(x->full_name, y->full_name);
}

static void
print_below(const struct tree *tree, const char *parent, int depth)
{
    for (size_t i = 0; i < tree->count && depth < DEPTH_MAX; i++) {
        const struct unit *unit = &tree->units[i];

        if (strcmp(unit->parent, parent) != 0)
            continue;
        (void)printf("%*s%s  (%s)\n", 2 * depth, "", unit->full_name, unit->name);
        print_below(tree, unit->name, depth + 1);
    }
}

static int
organisation_tree(struct cli *cli, int argc, char **argv)
{
    struct accounts *accounts;
    struct tree tree = {0};
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    accounts = accounts_open(cli);
    if (accounts == NULL)
        return CLI_FAILED;
    rc = accounts_list(accounts, ACCOUNT_UNIT, argv[0], take_unit, &tree);
    if (rc == CLI_OK && tree.count > 0) {
        qsort(tree.units, tree.count, sizeof(*tree.units), compare_units);
        print_below(&tree, "", 0);
    }
    for (size_t i = 0; i < tree.count; i++) {
        free(tree.units[i].name);
        free(tree.units[i].parent);
        free(tree.units[i].full_name);
    }
    free(tree.units);
    accounts_close(&accounts);
    return rc;
}

static const struct cli_verb verbs[] = {
    {"add", "UNIT full_name=TEXT [parent=NAME] [PROPERTY=VALUE...]",
     "makes a unit, NAME@DOMAIN, below another of the domain or, without parent, a company",
     organisation_add},
    {"set", "UNIT PROPERTY=VALUE...",
     "changes it; another parent moves it with all below; parent= makes it a company",
     organisation_set},
    {"del", "UNIT", "removes one that is empty", organisation_del},
    {"list", "[--domain DOMAIN] [--json]", "all of them", organisation_list},
    {"tree", "DOMAIN", "those of a domain as a tree, in the order of display_order",
     organisation_tree},
    {"show", "UNIT [--json]", "everything about one", organisation_show},
    {0},
};

const struct command command_organisation = {
    .name = "organisation",
    .summary = "companies and departments: add, set, del, list, tree, show",
    .help =
        "A user belongs to one: 'user set ADDRESS unit=NAME'. The public contact of a published\n"
        "profile has it as company and department.\n",
    .verbs = verbs,
    .remote = "add set del list tree show",
};
