/*
 * posthorn/password_seal.c - `password seal` and `password rotate`: passwords that the
 * configuration's files hold are encrypted, for the service that reads them.
 *
 * Runs with the caller's rights. Handles secrets: every buffer that held one is wiped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/conf/secret_file.h"
#include "posthorn/accounts.h"
#include "posthorn/ask_secret.h"
#include "posthorn/password_verbs.h"
#include "posthorn/seal_keys.h"

/* What the commands of this file need. */
struct sealing {
    struct cli *cli;
    struct conf *conf;
    struct seal_keys keys;
    unsigned sealed; /* passwords that were plain, or of an older key */
};

static int
begin(struct sealing *s, struct cli *cli)
{
    struct strbuf errors = strbuf_new(65536);
    int rc = CLI_OK;

    *s = (struct sealing){.cli = cli};
    if (!cli_needs_instance(cli))
        rc = CLI_FAILED;
    else if ((s->conf = conf_load(cli->inst.conf_path, &errors)) == NULL)
        rc = cli_fail(cli, "%sthe configuration has errors: 'posthorn config check'",
                      strbuf_cstr(&errors));
    strbuf_free(&errors);
    return rc;
}

static void
end(struct sealing *s)
{
    seal_keys_wipe(&s->keys);
    conf_free(&s->conf);
}

static const struct secret_kind *
find_kind(struct cli *cli, const char *setting)
{
    int id = conf_find(slice_of(setting));
    const struct secret_kind *kind = id < 0 ? NULL : secret_kind_find((enum conf_id)id);
    struct strbuf names = strbuf_new(1000);

    for (size_t i = 0; kind == NULL && i < secret_kinds_count; i++)
        (void)strbuf_printf(&names, "%s%s.%s", i > 0 ? ", " : "",
                            conf_settings[secret_kinds[i].setting].section,
                            conf_settings[secret_kinds[i].setting].name);
    if (kind == NULL)
        (void)cli_usage(cli, "'%s': expected one of %s", setting, strbuf_cstr(&names));
    strbuf_free(&names);
    return kind;
}

static int
need_keys(struct sealing *s, enum conf_id owner_setting, struct seal_owner *owner)
{
    int rc = seal_owner_find(s->cli, s->conf, owner_setting, owner);

    return rc == CLI_OK ? seal_keys_need(s->cli, owner, &s->keys) : rc;
}

/* ---- one password ---- */

static int
print_sealed(struct sealing *s, const struct secret_kind *kind, struct slice host,
             struct slice name)
{
    struct strbuf bound = strbuf_new(SECRET_NAME_MAX), sealed = strbuf_new(SEAL_TEXT_MAX);
    struct strbuf secret = strbuf_new(0);
    int rc = ask_secret(s->cli, "Password: ", &secret);

    if (rc == CLI_OK && !secret_name(kind, host, name, &bound))
        rc = cli_fail(s->cli, "host and name are too long");
    if (rc == CLI_OK && seal_is_sealed(strbuf_slice(&secret)))
        rc = cli_fail(s->cli, "this is sealed already");
    if (rc == CLI_OK && !seal_close(&s->keys, strbuf_slice(&bound), strbuf_slice(&secret), &sealed))
        rc = cli_fail(s->cli, "the password cannot be sealed");
    if (rc == CLI_OK)
        (void)printf("%s\n", strbuf_cstr(&sealed));
    secret_wipe(&secret);
    strbuf_free(&bound);
    strbuf_free(&sealed);
    return rc;
}

/* ---- a file ---- */

static const char *
seal_again(void *arg, struct slice name, struct slice secret, struct strbuf *out)
{
    struct sealing *s = arg;
    struct strbuf plain = strbuf_new(SEAL_SECRET_MAX);
    bool is_sealed = seal_is_sealed(secret);
    const char *trouble = is_sealed ? seal_open(&s->keys, name, secret, &plain) : NULL;

    if (!is_sealed && slice_index(secret, '\n') < secret.len)
        trouble = "expected one line"; /* what is sealed opens only so */
    if (trouble == NULL && is_sealed && seal_is_by_first(&s->keys, secret)) {
        (void)strbuf_append(out, secret); /* the caller looks for an overflow */
    } else if (trouble == NULL) {
        s->sealed++;
        if (!seal_close(&s->keys, name, is_sealed ? strbuf_slice(&plain) : secret, out))
            trouble = "the password cannot be sealed, or the file would be too long";
    }
    secret_wipe(&plain);
    return trouble;
}

/* Owner and mode stay. */
static int
replace(struct sealing *s, const char *path, struct slice text)
{
    struct stat st;

    if (stat(path, &st) < 0 || replace_file(AT_FDCWD, path, text, st.st_mode & 0777) < 0 ||
        (geteuid() == 0 && chown(path, st.st_uid, st.st_gid) < 0))
        return cli_fail(s->cli, "%s: %s", path, strerror(errno));
    return CLI_OK;
}

/* A file that is not there has no passwords. */
static int
seal_file(struct sealing *s, const struct secret_kind *kind)
{
    struct secret_place place = secret_place_new(s->conf, &s->cli->inst, kind->setting);
    struct strbuf before = strbuf_new(SECRET_FILE_MAX), after = strbuf_new(SECRET_FILE_MAX);
    const struct secret_converter converter = {seal_again, s};
    struct strbuf error = strbuf_new(4096);
    unsigned sealed = s->sealed;
    int rc = CLI_OK;

    if (place.path != NULL && secret_file_read(place.path, &before, &error) < 0)
        rc = errno == ENOENT ? CLI_OK : cli_fail(s->cli, "%s", strbuf_cstr(&error));
    else if (secret_text_convert(&place, strbuf_slice(&before), &converter, &after, &error) < 0)
        rc = cli_fail(s->cli, "%s; nothing was changed", strbuf_cstr(&error));
    else if (s->sealed > sealed)
        rc = replace(s, place.path, strbuf_slice(&after));
    secret_wipe(&before);
    secret_wipe(&after);
    strbuf_free(&error);
    secret_place_free(&place);
    return rc;
}

static int
print_count(struct sealing *s, const char *what)
{
    (void)printf("%s: %u %s sealed%s\n", what, s->sealed, s->sealed == 1 ? "password" : "passwords",
                 s->sealed > 0 ? "; 'posthorn reload' has the services read it" : "");
    return CLI_OK;
}

int
password_seal(struct cli *cli, int argc, char **argv)
{
    const struct secret_kind *kind;
    struct seal_owner owner;
    struct sealing s;
    bool in_place = false;
    const struct cli_option options[] = {{"--in-place", CLI_FLAG, &in_place}};
    int words, rc;

    if (cli_options(cli, &argc, argv, options, ARRAY_LEN(options), 1, 3) != 0)
        return CLI_USAGE;
    kind = find_kind(cli, argv[0]);
    if (kind == NULL)
        return CLI_USAGE;
    words = !in_place && kind->form == SECRET_LINES ? 3 : 1;
    if (argc != words)
        return cli_usage(cli, words == 3 ? "expected SETTING HOST NAME, or --in-place"
                                         : "expected nothing behind SETTING");
    rc = begin(&s, cli);
    if (rc == CLI_OK)
        rc = need_keys(&s, kind->owner, &owner);
    if (rc == CLI_OK && !in_place)
        rc = print_sealed(&s, kind, slice_of(words == 3 ? argv[1] : ""),
                          slice_of(words == 3 ? argv[2] : ""));
    else if (rc == CLI_OK && (rc = seal_file(&s, kind)) == CLI_OK)
        rc = print_count(&s, argv[0]);
    end(&s);
    return rc;
}

/* ---- another key ---- */

static int
find_owner(struct cli *cli, const char *name, enum conf_id *owner)
{
    enum conf_id owners[SEAL_OWNERS_MAX];
    struct strbuf names = strbuf_new(1000);
    size_t count = seal_owners(owners);
    int rc = CLI_USAGE;

    for (size_t i = 0; i < count; i++) {
        (void)strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", conf_settings[owners[i]].name);
        if (strcmp(name, conf_settings[owners[i]].name) == 0) {
            *owner = owners[i];
            rc = CLI_OK;
        }
    }
    if (rc != CLI_OK)
        (void)cli_usage(cli, "'%s': expected one of %s", name, strbuf_cstr(&names));
    strbuf_free(&names);
    return rc;
}

/* With both keys in the file everything is sealed with the new one, then the old one goes: whenever
 * this is stopped, all of it opens, and the next time goes on from there. */
static int
change_key(struct sealing *s, const struct seal_owner *owner)
{
    int rc = CLI_OK;

    if (s->keys.count == 1) {
        seal_keys_add(&s->keys);
        rc = seal_keys_write(s->cli, owner, &s->keys);
    }
    for (size_t i = 0; i < secret_kinds_count && rc == CLI_OK; i++)
        if (secret_kinds[i].owner == owner->setting)
            rc = seal_file(s, &secret_kinds[i]);
    if (rc == CLI_OK) {
        s->keys.count = 1;
        rc = seal_keys_write(s->cli, owner, &s->keys);
    }
    return rc;
}

/* accountd seals what is in its base: when it has read both keys. */
static int
seal_base(struct sealing *s, uint64_t *sealed)
{
    struct accounts *accounts = accounts_open(s->cli);
    struct strbuf id = strbuf_new(SEAL_ID_HEX);
    struct object_field fields[OBJECT_FIELDS_MAX];
    uint32_t count;
    int rc = CLI_FAILED;

    (void)hex_encode(slice_make(s->keys.list[0].id, SEAL_ID_BYTES), &id);
    if (accounts != NULL)
        rc = accounts_object(
            accounts,
            &(const struct accountd_admin){
                .verb = SLICE("totp-seal"),
                .kind = SLICE("admin"),
                .fields = &(const struct object_field){SLICE("key"), strbuf_slice(&id)},
                .field_count = 1},
            fields, &count);
    if (rc == CLI_OK)
        (void)parse_u64(object_get(fields, count, "sealed"), UINT64_MAX, sealed); /* a number */
    accounts_close(&accounts);
    strbuf_free(&id);
    return rc;
}

/* In two steps, with a reload between. */
static int
change_key_of_base(struct sealing *s, const struct seal_owner *owner, bool made)
{
    uint64_t sealed = 0;
    int rc = CLI_OK;

    if (s->keys.count == 1) {
        if (!made) {
            seal_keys_add(&s->keys);
            rc = seal_keys_write(s->cli, owner, &s->keys);
        }
        if (rc == CLI_OK)
            (void)printf("account: a new key is there; 'posthorn reload'%s\n",
                         made ? "" : ", then 'posthorn password rotate account' again");
        return rc;
    }
    rc = seal_base(s, &sealed);
    if (rc == CLI_OK) {
        s->keys.count = 1;
        rc = seal_keys_write(s->cli, owner, &s->keys);
    }
    if (rc == CLI_OK)
        (void)printf("account: %llu keys of authenticators sealed anew, the old key is gone\n",
                     (unsigned long long)sealed);
    return rc;
}

int
password_rotate(struct cli *cli, int argc, char **argv)
{
    enum conf_id setting = CONF_ID_COUNT;
    struct seal_owner owner;
    struct sealing s;
    bool made;
    int rc;

    if (cli_options(cli, &argc, argv, NULL, 0, 1, 1) != 0)
        return CLI_USAGE;
    rc = find_owner(cli, argv[0], &setting);
    if (rc != CLI_OK)
        return rc;
    rc = begin(&s, cli);
    made = !seal_keys_exist(cli, setting);
    if (rc == CLI_OK)
        rc = need_keys(&s, setting, &owner);
    if (rc == CLI_OK && setting == USERS_ACCOUNT)
        rc = change_key_of_base(&s, &owner, made);
    else if (rc == CLI_OK && (rc = change_key(&s, &owner)) == CLI_OK)
        rc = print_count(&s, argv[0]);
    end(&s);
    return rc;
}
