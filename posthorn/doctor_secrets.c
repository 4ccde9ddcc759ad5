/*
 * posthorn/doctor_secrets.c - are the passwords of the configuration's files sealed, and do they
 * open? Shows none of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/conf/seal.h"
#include "lib/conf/secret_file.h"
#include "posthorn/doctor.h"
#include "posthorn/seal_keys.h"

static const char *
count_plain(void *arg, struct slice name, struct slice secret, struct strbuf *out)
{
    unsigned *plain = arg;

    (void)name;
    (void)out;
    *plain += !seal_is_sealed(secret);
    return NULL;
}

/* True: nothing to be said about it. */
static bool
check_file(struct doctor *d, const struct secret_kind *kind)
{
    const struct conf_setting *setting = &conf_settings[kind->setting];
    struct secret_place place = secret_place_new(d->conf, &d->cli->inst, kind->setting);
    struct strbuf raw = strbuf_new(SECRET_FILE_MAX), text = strbuf_new(SECRET_FILE_MAX);
    struct strbuf copy = strbuf_new(SECRET_FILE_MAX), error = strbuf_new(4096);
    unsigned plain = 0;
    const struct secret_converter counter = {count_plain, &plain};
    bool good = place.path == NULL || access(place.path, F_OK) < 0;

    if (good) {
        ;
    } else if (secret_file_open(&place, &text, &error) < 0) {
        doctor_note(d, errno == EACCES ? DOCTOR_HINT : DOCTOR_FAIL, "secrets", "%s.%s: %s",
                    setting->section, setting->name, strbuf_cstr(&error));
    } else if (secret_file_read(place.path, &raw, &error) == 0 &&
               secret_text_convert(&place, strbuf_slice(&raw), &counter, &copy, &error) == 0 &&
               plain > 0) {
        doctor_note(d, DOCTOR_WARN, "secrets",
                    "%s: %u %s in plain text: posthorn password seal %s.%s --in-place", place.path,
                    plain, plain == 1 ? "password is" : "passwords are", setting->section,
                    setting->name);
    } else {
        good = true;
    }
    secret_wipe(&raw);
    secret_wipe(&text);
    secret_wipe(&copy);
    strbuf_free(&error);
    secret_place_free(&place);
    return good;
}

static bool
check_key(struct doctor *d, enum conf_id owner)
{
    char *path = seal_key_path(&d->cli->inst, owner);
    struct role role = {geteuid(), getegid()};
    struct stat st;
    bool good = true;

    if (geteuid() == 0 && role_find(d->conf, owner, &role) < 0)
        role.uid = 0; /* told by the check of users */
    if (stat(path, &st) < 0) {
        good = errno == ENOENT; /* it is made when it is needed */
        if (!good)
            doctor_note(d, DOCTOR_HINT, "secrets", "%s: %s", path, strerror(errno));
    } else if ((st.st_mode & 0377) != 0 || (st.st_uid != role.uid && st.st_uid != 0)) {
        good = false;
        doctor_note(d, DOCTOR_FAIL, "secrets",
                    "%s is for its service alone; it should be: chmod 400 %s; chown %u %s", path,
                    path, (unsigned)role.uid, path);
    }
    free(path);
    return good;
}

void
doctor_secrets(struct doctor *d)
{
    enum conf_id owners[SEAL_OWNERS_MAX];
    size_t count = seal_owners(owners);
    bool good = true;

    for (size_t i = 0; i < count; i++)
        good = check_key(d, owners[i]) && good;
    for (size_t i = 0; i < secret_kinds_count; i++)
        good = check_file(d, &secret_kinds[i]) && good;
    if (good)
        doctor_note(d, DOCTOR_OK, "secrets", "no password of the configuration is in plain text");
}
