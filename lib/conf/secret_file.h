/*
 * lib/conf/secret_file.h - files with passwords, which are for their owner's eyes.
 *
 * A password in one is plain or sealed (lib/conf/seal.h). The name that a sealed one is bound to is
 * the setting's, with HOST and NAME of its line behind it: "remote.relay_passwords relay.x a@b".
 */
#ifndef POSTHORN_LIB_CONF_SECRET_FILE_H
#define POSTHORN_LIB_CONF_SECRET_FILE_H

#include "lib/base/strbuf.h"
#include "lib/conf/conf.h"
#include "lib/conf/instance.h"

#define SECRET_FILE_MAX 65536 /* bytes */
#define SECRET_NAME_MAX 2048  /* of what a password is bound to */
#define SEAL_KEY_DIR "keys"   /* below etc/ */

enum secret_form {
    SECRET_ONE,  /* the file is the password */
    SECRET_LINES /* lines HOST NAME PASSWORD, '#' begins a comment */
};
struct secret_kind {
    enum conf_id setting, owner; /* `owner`: of [users] */
    enum secret_form form;
};
extern const struct secret_kind secret_kinds[]; /* secrets.def */
extern const size_t secret_kinds_count;

struct secret_place {
    const struct secret_kind *kind;
    char *path; /* NULL: the setting is empty */
    char *key_path;
};

const struct secret_kind *secret_kind_find(enum conf_id setting); /* NULL: it names no such file */
/* Where the keys of a setting of [users] are: etc/keys/out.key. free() it. */
char *seal_key_path(const struct instance *inst, enum conf_id owner);
/* `setting` is one of secrets.def. */
struct secret_place secret_place_new(const struct conf *conf, const struct instance *inst,
                                     enum conf_id setting);
void secret_place_free(struct secret_place *place);

/* All of the file into `text` (of SECRET_FILE_MAX), as it is. 0, or -1 with one line in `error`,
 * also where others than its owner may read it, and with errno, ENOENT where there is none.
 * Whatever happens the caller ends with secret_wipe. */
int secret_file_read(const char *path, struct strbuf *text, struct strbuf *error);
/* The same with every sealed password opened. The key file is read only if there is one. */
int secret_file_open(const struct secret_place *place, struct strbuf *text, struct strbuf *error);
void secret_wipe(struct strbuf *text); /* wipes and frees */

/* What a password is bound to. `host` and `name`: empty where the form is SECRET_ONE. */
bool secret_name(const struct secret_kind *kind, struct slice host, struct slice name,
                 struct strbuf *out);
/* Copies `text` with each password as convert() appends it; `convert` returns NULL, or what is
 * wrong with it, which goes to `error` behind path and line. 0 or -1. */
struct secret_converter {
    const char *(*convert)(void *arg, struct slice name, struct slice secret, struct strbuf *out);
    void *arg;
};
int secret_text_convert(const struct secret_place *place, struct slice text,
                        const struct secret_converter *converter, struct strbuf *out,
                        struct strbuf *error);

#endif
