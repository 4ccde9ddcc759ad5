/*
 * posthorn/setup_files.c - the files that `setup` writes: configuration, services, key,
 * certificate.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/conf_line.h"
#include "lib/conf/conf_new.h"
#include "lib/conf/services.h"
#include "lib/mail/template_set.h"
#include "lib/tls/cert_make.h"
#include "posthorn/seal_keys.h"
#include "posthorn/setup.h"

#define CERTIFICATE_DAYS 3650

static int
write_file(const struct setup *setup, const char *path, struct slice text, mode_t mode)
{
    if (replace_file(AT_FDCWD, path, text, mode) == 0)
        return CLI_OK;
    return cli_fail(setup->cli, "%s: %s", path, strerror(errno));
}

static void
set(struct strbuf *text, enum conf_id id, const char *value)
{
    struct strbuf changed = strbuf_new(CONF_FILE_MAX);

    conf_edit_text(strbuf_slice(text), id, slice_of(value), &changed);
    strbuf_free(text);
    *text = changed;
}

static void
set_users(const struct setup *setup, struct strbuf *text)
{
    for (size_t i = 0; i < setup->user_count && setup->is_root; i++) {
        const struct setup_user *user = &setup->users[i];
        char *numbers;

        if (!user->numeric)
            continue;
        numbers = xasprintf("%u:%u", (unsigned)user->uid, (unsigned)user->gid);
        set(text, user->setting, numbers);
        free(numbers);
    }
}

static void
set_bind(const struct setup *setup, struct strbuf *text)
{
    struct strbuf all = strbuf_new(4000);

    for (size_t i = 0; i < setup->bind.count; i++)
        (void)strbuf_printf(&all, "%s%s", i > 0 ? " " : "", setup->bind.items[i]);
    if (setup->bind.count > 0)
        set(text, SYSTEM_BIND, strbuf_cstr(&all));
    strbuf_free(&all);
}

/* A value that the table refuses is the caller's mistake: the errors name line and setting. */
static int
check(const struct setup *setup, const struct strbuf *text)
{
    struct strbuf errors = strbuf_new(65536);
    struct conf *conf = conf_parse(strbuf_slice(text), setup->cli->inst.conf_path, &errors);
    int rc = conf != NULL ? CLI_OK : cli_fail(setup->cli, "%s", strbuf_cstr(&errors));

    conf_free(&conf);
    strbuf_free(&errors);
    return rc;
}

/* What the administrator has put there stays. */
static int
write_template(const struct setup *setup, const char *language, enum template_id id)
{
    char *path =
        xasprintf("%s/templates/%s/%s", setup->cli->inst.etc, language, template_kinds[id].file);
    int rc = CLI_OK;

    if (access(path, F_OK) != 0) {
        rc = write_file(setup, path, slice_of(template_built_in(language, id)), 0644);
        if (rc == CLI_OK)
            setup_tell_made(setup, "template", path, "");
    }
    free(path);
    return rc;
}

static int
write_language(const struct setup *setup, const char *language)
{
    int rc = CLI_OK;

    for (int id = 0; id < TEMPLATE_COUNT && rc == CLI_OK; id++)
        rc = write_template(setup, language, (enum template_id)id);
    return rc;
}

int
setup_templates(const struct setup *setup)
{
    int rc = CLI_OK;

    for (int i = 0; template_languages[i] != NULL && rc == CLI_OK; i++)
        rc = write_language(setup, template_languages[i]);
    return rc;
}

int
setup_setting_add(struct setup *setup, enum conf_id id, struct slice value,
                  enum setup_source source)
{
    if (setup->setting_count == SETUP_SETTINGS_MAX)
        return -1;
    setup->settings[setup->setting_count++] =
        (struct setup_setting){id, source, xslicedup(value)}; /* as long as the process */
    return 0;
}

bool
setup_setting_is_given(const struct setup *setup, enum conf_id id)
{
    for (size_t i = 0; i < setup->setting_count; i++)
        if (setup->settings[i].id == id)
            return true;
    return false;
}

bool
setup_setting_is_option(const struct setup *setup, enum conf_id id)
{
    for (size_t i = 0; i < setup->setting_count; i++)
        if (setup->settings[i].id == id && setup->settings[i].source == SETUP_FROM_OPTION)
            return true;
    return false;
}

const char *
setup_setting_value(const struct setup *setup, enum conf_id id)
{
    const struct setup_setting *best = NULL;

    for (size_t i = 0; i < setup->setting_count; i++)
        if (setup->settings[i].id == id &&
            (best == NULL || setup->settings[i].source >= best->source))
            best = &setup->settings[i];
    return best == NULL ? NULL : best->value;
}

static void
set_given(const struct setup *setup, enum setup_source source, struct strbuf *text)
{
    for (size_t i = 0; i < setup->setting_count; i++)
        if (setup->settings[i].source == source)
            set(text, setup->settings[i].id, setup->settings[i].value);
}

/* What the profile has, and what it wants to be told. */
static int
set_profile(const struct setup *setup, struct strbuf *text)
{
    struct slice rest = slice_of(setup->profile->text), section = SLICE(""), what;
    struct strbuf value = strbuf_new(CONF_VALUE_MAX), error = strbuf_new(512);
    enum conf_id id;
    int rc = CLI_OK;

    while (profile_setting(&rest, &section, &id, &value, &error))
        set(text, id, strbuf_cstr(&value));
    if (error.len > 0)
        rc = cli_fail(setup->cli, "profile %s: %s", setup->profile->name, strbuf_cstr(&error));
    for (rest = slice_of(setup->profile->text); profile_question(&rest, &id, &what);)
        if (!setup_setting_is_given(setup, id))
            rc = cli_usage(setup->cli, "profile %s needs --set %s.%s=VALUE: %.*s",
                           setup->profile->name, conf_settings[id].section, conf_settings[id].name,
                           (int)what.len, what.ptr);
    strbuf_free(&value);
    strbuf_free(&error);
    return rc;
}

int
setup_text(struct setup *setup, struct strbuf *text)
{
    int rc = CLI_OK;

    conf_new_text(text);
    if (setup->profile != NULL)
        rc = set_profile(setup, text);
    set_given(setup, SETUP_FROM_FILE, text);
    set_given(setup, SETUP_FROM_OPTION, text);
    set(text, SYSTEM_HOSTNAME, setup->hostname);
    if (setup->port_offset != NULL)
        set(text, SYSTEM_PORT_OFFSET, setup->port_offset);
    set_bind(setup, text);
    set_users(setup, text);
    return rc == CLI_OK ? check(setup, text) : rc;
}

int
setup_configuration(struct setup *setup, struct slice text)
{
    int rc =
        write_file(setup, setup->cli->inst.services_path, slice_of(services_default_text), 0644);

    if (rc == CLI_OK)
        rc = setup_templates(setup);
    if (rc == CLI_OK)
        rc = write_file(setup, setup->cli->inst.conf_path, text, 0644);
    return rc;
}

int
setup_certificate(struct setup *setup)
{
    const char *const names[] = {setup->hostname, setup->domain};
    const struct cert_wish wish = {.key_type = "p256",
                                   .hosts = names,
                                   .host_count = strcmp(names[0], names[1]) == 0 ? 1 : 2,
                                   .days = CERTIFICATE_DAYS};
    struct strbuf key = strbuf_new(CERT_PEM_MAX), certificate = strbuf_new(CERT_PEM_MAX);
    struct strbuf error = strbuf_new(1024);
    char *key_path = xasprintf("%s/certs/key.pem", setup->cli->inst.etc);
    char *certificate_path = xasprintf("%s/certs/cert.pem", setup->cli->inst.etc);
    int rc = CLI_OK;

    if (access(key_path, F_OK) == 0 || access(certificate_path, F_OK) == 0)
        goto out; /* the administrator has put one there */
    if (cert_make_self_signed(&wish, &key, &certificate, &error) < 0)
        rc = cli_fail(setup->cli, "%s", strbuf_cstr(&error));
    if (rc == CLI_OK)
        rc = write_file(setup, key_path, strbuf_slice(&key), 0600);
    if (rc == CLI_OK)
        rc = write_file(setup, certificate_path, strbuf_slice(&certificate), 0644);
out:
    if (key.ptr != NULL)
        mem_wipe(key.ptr, key.cap);
    strbuf_free(&key);
    strbuf_free(&certificate);
    strbuf_free(&error);
    free(key_path);
    free(certificate_path);
    return rc;
}

int
setup_seal_keys(struct setup *setup)
{
    enum conf_id owners[SEAL_OWNERS_MAX];
    size_t count = seal_owners(owners);
    int rc = CLI_OK;

    for (size_t i = 0; i < count && rc == CLI_OK; i++) {
        const struct setup_user *user = setup_user(setup, owners[i]);
        const struct seal_owner owner = {owners[i], user->uid, user->gid, setup->is_root};
        bool exist = seal_keys_exist(setup->cli, owners[i]);
        struct seal_keys keys;

        rc = seal_keys_need(setup->cli, &owner, &keys);
        seal_keys_wipe(&keys);
        if (rc == CLI_OK && !exist)
            setup_tell_made(setup, "key", conf_settings[owners[i]].name, "of sealed passwords");
    }
    return rc;
}

void
setup_undo(struct setup *setup)
{
    /* The configuration makes an instance: without it setup may be run again. */
    unlink_keep_errno(AT_FDCWD, setup->cli->inst.conf_path);
}
