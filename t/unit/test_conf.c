/*
 * t/unit/test_conf.c - lib/conf/conf, conf_line, conf_edit and conf_new.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/conf/conf_edit.h"
#include "lib/conf/conf_line.h"
#include "lib/conf/conf_new.h"

#include <fcntl.h>

static const struct {
    const char *text;
    enum conf_line_kind kind;
    const char *name, *value, *comment;
} lines[] = {
    {"", CONF_LINE_BLANK, "", "", ""},
    {"  # note", CONF_LINE_BLANK, "", "", "# note"},
    {"[smtp]", CONF_LINE_SECTION, "smtp", "", ""},
    {" [smtp]  # here", CONF_LINE_SECTION, "smtp", "", "# here"},
    {"[smtp", CONF_LINE_BAD, "", "", ""},
    {"[Smtp]", CONF_LINE_BAD, "", "", ""},
    {"[smtp] x", CONF_LINE_BAD, "", "", ""},
    {"a=b", CONF_LINE_SETTING, "a", "b", ""},
    {"a =  b c \t# d\r", CONF_LINE_SETTING, "a", "b c", "# d"},
    {"a = b#c", CONF_LINE_SETTING, "a", "b#c", ""},
    {"a = \"b # c\" # d", CONF_LINE_SETTING, "a", "b # c", "# d"},
    {"a = \"q\\\"\\\\\"", CONF_LINE_SETTING, "a", "q\"\\", ""},
    {"a = \"open", CONF_LINE_BAD, "", "", ""},
    {"a = \"x\" y", CONF_LINE_BAD, "", "", ""},
    {"a = \"x\\", CONF_LINE_BAD, "", "", ""},
    {"a =", CONF_LINE_SETTING, "a", "", ""},
    {"no equals", CONF_LINE_BAD, "", "", ""},
    {"= b", CONF_LINE_BAD, "", "", ""},
};

START_TEST(a_line_is_taken_apart)
{
    struct strbuf value = strbuf_new(CONF_VALUE_MAX);
    struct conf_line line = conf_line_parse(slice_of(lines[_i].text), &value);

    ck_assert_int_eq(line.kind, lines[_i].kind);
    ck_assert_msg((line.kind == CONF_LINE_BAD) == (line.problem != NULL), "%s", lines[_i].text);
    if (line.kind != CONF_LINE_BAD) {
        ck_assert(slice_eq(line.name, slice_of(lines[_i].name)));
        ck_assert(slice_eq(line.comment, slice_of(lines[_i].comment)));
    }
    if (line.kind == CONF_LINE_SETTING)
        ck_assert_str_eq(strbuf_cstr(&value), lines[_i].value);
    strbuf_free(&value);
}
END_TEST

START_TEST(what_is_quoted_reads_back)
{
    static const char *const values[] = {"",   "x",    "a b", " a", "a ",
                                         "#x", "a #b", "a#b", "\"", "\\"};
    struct strbuf text = strbuf_new(100), value = strbuf_new(CONF_VALUE_MAX);
    struct conf_line line;

    (void)strbuf_str(&text, "a = ");
    conf_line_quote(slice_of(values[_i]), &text);
    line = conf_line_parse(strbuf_slice(&text), &value);
    ck_assert_int_eq(line.kind, CONF_LINE_SETTING);
    ck_assert_str_eq(strbuf_cstr(&value), values[_i]);
    strbuf_free(&text);
    strbuf_free(&value);
}
END_TEST

static const struct {
    const char *text, *error; /* part of what is reported */
} errors[] = {
    {"port_offset = 1\n", "f:1: expected a [section]"},
    {"[sytem]\n", "f:1: unknown section [sytem]: did you mean [system]?"},
    {"[zzzzzz]\nx = 1\ny = 2\n", "f:1: unknown section [zzzzzz]"},
    {"[system]\nhostnam = x\n",
     "f:2: unknown setting 'hostnam' in [system]: did you mean 'hostname'?"},
    {"[system]\nlevel = info\n", "there is one in [log]"},
    {"[system]\nport_offset = 60001\n",
     "f:2: system.port_offset: expected a number from 0 to 60000"},
    {"[system]\nport_offset = x\n", "not 'x'"},
    {"[system]\nport_offset = 1\nport_offset = 2\n",
     "f:3: 'port_offset' was already set in line 2"},
    {"[log]\nlevel = loud\n", "expected one of error, warn, info, debug, not 'loud'"},
    {"[auth]\nmechanisms = PLAIN LOGNI\n",
     "f:2: auth.mechanisms: expected any of SCRAM-SHA-256-PLUS, SCRAM-SHA-256, SCRAM-SHA-1, PLAIN, "
     "LOGIN, OAUTHBEARER, XOAUTH2, each once"},
    {"[auth]\nmechanisms = PLAIN,PLAIN\n", "not 'PLAIN,PLAIN'"},
    {"[smtp]\nhosts_no_auth = 192.0.2.1 10.0.0.0/33\n",
     "f:2: smtp.hosts_no_auth: expected IP addresses or networks"},
    {"[imap]\ndeny = somewhere\n", "not 'somewhere'"},
    {"[system]\nbind = 127.0.0.1, 192.0.2.0/24\n", "f:2: system.bind: expected IP addresses, "},
    {"[system]\nbanner = \xff\n", "f:2: system.banner: expected a line of UTF-8 text"},
    {"[system]\nhostname = two words\n", "f:2: system.hostname: expected a host name such as"},
    {"[system]\nhostname =\n", "system.hostname: expected a host name"},
    {"[smtp]\nhelo_name = a..b\n", "smtp.helo_name: expected a host name"},
    {"[system]\njunk\n", "f:2: expected 'name = value'"},
};

START_TEST(errors_name_the_line_and_what_was_expected)
{
    struct strbuf found = strbuf_new(4096);
    struct conf *conf = conf_parse(slice_of(errors[_i].text), "f", &found);

    ck_assert_ptr_null(conf);
    ck_assert_msg(strstr(strbuf_cstr(&found), errors[_i].error) != NULL, "%s", strbuf_cstr(&found));
    strbuf_free(&found);
}
END_TEST

START_TEST(values_and_defaults_are_typed)
{
    static const char text[] = "[system]\nport_offset = 25000 # all\nbind = ::1, 127.0.0.1\n"
                               "[log]\nlevel = warn\n[auth]\nscram_keys = off\ntimeout = 1m30s\n"
                               "argon2_memory = 32M";
    struct strbuf found = strbuf_new(4096);
    struct conf *conf = conf_parse(slice_of(text), "f", &found);

    ck_assert_msg(conf != NULL, "%s", strbuf_cstr(&found));
    ck_assert_uint_eq(conf_u64(conf, SYSTEM_PORT_OFFSET), 25000);
    ck_assert_uint_eq(conf_list_count(conf, SYSTEM_BIND), 2);
    ck_assert_str_eq(conf_list_item(conf, SYSTEM_BIND, 1), "127.0.0.1");
    ck_assert_str_eq(conf_str(conf, LOG_LEVEL), "warn");
    ck_assert(!conf_bool(conf, AUTH_SCRAM_KEYS));
    ck_assert_uint_eq(conf_u64(conf, AUTH_TIMEOUT), 90000);
    ck_assert_uint_eq(conf_u64(conf, AUTH_ARGON2_MEMORY), 32u << 20);
    ck_assert(conf_is_set(conf, LOG_LEVEL));
    ck_assert(!conf_is_set(conf, SYSTEM_HOSTNAME));
    ck_assert_str_eq(conf_str(conf, SYSTEM_HOSTNAME), "localhost");
    conf_free(&conf);
    ck_assert_ptr_null(conf);
    strbuf_free(&found);
}
END_TEST

START_TEST(dotted_names_are_found)
{
    ck_assert_int_eq(conf_find(SLICE("system.hostname")), SYSTEM_HOSTNAME);
    ck_assert_int_eq(conf_find(SLICE("system.")), -1);
    ck_assert_int_eq(conf_find(SLICE("hostname")), -1);
    ck_assert_int_eq(conf_find(SLICE("")), -1);
}
END_TEST

static const struct {
    const char *before;
    const char *after; /* system.hostname = h.test */
} edits[] = {
    {"", "[system]\nhostname = h.test\n"},
    {"# top\n[log]\nlevel = info\n", "# top\n[log]\nlevel = info\n\n[system]\nhostname = h.test\n"},
    {"[system]\n# name\nhostname = old # mine\nbanner = x\n",
     "[system]\n# name\nhostname = h.test  # mine\nbanner = x\n"},
    {"[system]\n#hostname = localhost\nbanner = x\n",
     "[system]\n#hostname = localhost\nhostname = h.test\nbanner = x\n"},
    {"[system]\nbanner = x\n\n[log]\n", "[system]\nbanner = x\nhostname = h.test\n\n[log]\n"},
    {"[system]\nhostname=old", "[system]\nhostname = h.test\n"},
    {"[log]\nhostname = not mine\n[system]\n[log]\n",
     "[log]\nhostname = not mine\n[system]\nhostname = h.test\n[log]\n"},
};

START_TEST(set_changes_one_line_and_keeps_the_rest)
{
    struct strbuf out = strbuf_new(4096);

    conf_edit_text(slice_of(edits[_i].before), SYSTEM_HOSTNAME, SLICE("h.test"), &out);
    ck_assert_str_eq(strbuf_cstr(&out), edits[_i].after);
    strbuf_free(&out);
}
END_TEST

START_TEST(a_bad_value_never_replaces_the_file)
{
    char path[] = "/tmp/posthorn-test-conf-XXXXXX";
    static const char text[] = "# kept\n[system]\nport_offset = 7\n";
    struct strbuf found = strbuf_new(4096), now = strbuf_new(4096);
    int fd = mkstemp(path), lock;
    char lock_name[64];
    struct stat st;

    ck_assert_int_eq(write_all(fd, SLICE(text)), 0);
    ck_assert_int_eq(fchmod(fd, 0640), 0);
    ck_assert_int_eq(conf_edit_file(path, SYSTEM_PORT_OFFSET, "many", &found), -1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&found), "expected a number"));
    ck_assert_int_eq(read_file(AT_FDCWD, path, &now), 0);
    ck_assert_str_eq(strbuf_cstr(&now), text);
    ck_assert_int_eq(conf_edit_file(path, SYSTEM_PORT_OFFSET, "8", &found), 0);
    strbuf_clear(&now);
    ck_assert_int_eq(read_file(AT_FDCWD, path, &now), 0);
    ck_assert_str_eq(strbuf_cstr(&now), "# kept\n[system]\nport_offset = 8\n");
    ck_assert_int_eq(conf_edit_file(path, SYSTEM_PORT_OFFSET, NULL, &found), 0);
    strbuf_clear(&now);
    ck_assert_int_eq(read_file(AT_FDCWD, path, &now), 0);
    ck_assert_str_eq(strbuf_cstr(&now), "# kept\n[system]\n");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    lock = conf_edit_lock(path);
    ck_assert_int_ge(lock, 0);
    ck_assert_int_eq(conf_edit_file(path, SYSTEM_PORT_OFFSET, "9", &found), -1);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&found), "another change"));
    (void)close(lock);
    ck_assert_int_eq(conf_edit_file(path, SYSTEM_PORT_OFFSET, "9", &found), 0);
    (void)close(fd);
    (void)unlink(path);
    (void)snprintf(lock_name, sizeof(lock_name), "/tmp/.%s.lock", path + strlen("/tmp/"));
    ck_assert_int_eq(unlink(lock_name), 0);
    strbuf_free(&found);
    strbuf_free(&now);
}
END_TEST

START_TEST(a_new_file_has_every_setting_and_no_error)
{
    struct strbuf text = strbuf_new(CONF_FILE_MAX), found = strbuf_new(4096);
    struct conf *conf;

    conf_new_text(&text);
    ck_assert(!text.overflow);
    conf = conf_parse(strbuf_slice(&text), "f", &found);
    ck_assert_msg(conf != NULL, "%s", strbuf_cstr(&found));
    for (int id = 0; id < CONF_ID_COUNT; id++) {
        struct strbuf line = strbuf_new(256);

        (void)strbuf_printf(&line, "\n#%s = ", conf_settings[id].name);
        ck_assert(slice_find(strbuf_slice(&text), strbuf_slice(&line)) < text.len);
        strbuf_free(&line);
    }
    conf_free(&conf);
    strbuf_free(&text);
    strbuf_free(&found);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("conf");
    TCase *tc = tcase_create("conf");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, a_line_is_taken_apart, 0, (int)ARRAY_LEN(lines));
    tcase_add_loop_test(tc, what_is_quoted_reads_back, 0, 10);
    tcase_add_loop_test(tc, errors_name_the_line_and_what_was_expected, 0, (int)ARRAY_LEN(errors));
    tcase_add_test(tc, values_and_defaults_are_typed);
    tcase_add_test(tc, dotted_names_are_found);
    tcase_add_loop_test(tc, set_changes_one_line_and_keeps_the_rest, 0, (int)ARRAY_LEN(edits));
    tcase_add_test(tc, a_bad_value_never_replaces_the_file);
    tcase_add_test(tc, a_new_file_has_every_setting_and_no_error);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
