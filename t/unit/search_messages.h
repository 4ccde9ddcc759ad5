/*
 * t/unit/search_messages.h - messages in many languages and encodings, and strings to search for.
 */
#ifndef POSTHORN_T_UNIT_SEARCH_MESSAGES_H
#define POSTHORN_T_UNIT_SEARCH_MESSAGES_H

#include <stdbool.h>

#define SEARCH_NAMES 2 /* number of the message with escaped names of attachments */

static const struct {
    const char *text;
    bool has_names; /* its text has names that lib/mail/text_search does not unescape */
} search_messages[] = {
    {.text = "From: =?iso-8859-1?q?J=F6rg?= <joerg@example.com>\r\n"
             "Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n and more\r\n"
             "Content-Type: multipart/mixed; boundary=b\r\n"
             "\r\n"
             "preamble is not text\r\n"
             "--b\r\n"
             "Content-Type: text/plain; charset=iso-8859-1\r\n"
             "Content-Transfer-Encoding: quoted-printable\r\n"
             "\r\n"
             "Stra=DFe und =C4pfel, zusam=\r\nmengesetzt\r\n"
             "--b\r\n"
             "Content-Type: text/html; charset=koi8-r\r\n"
             "Content-Transfer-Encoding: base64\r\n"
             "\r\n"
             "SGVsbG8gPGI+V29ybGQ8L2I+\r\n"
             "--b\r\n"
             "Content-Type: message/rfc822\r\n"
             "\r\n"
             "Subject: inner subject\r\n"
             "\r\n"
             "inner text\r\n"
             "--b--\r\n"},
    {.text = "Subject: =?utf-8?q?=E6=9C=8D=E5=8A=A1?= =?utf-8?q?=E5=99=A8?=\r\n"
             "From: wei@example.cn\r\n"
             "Content-Type: text/plain; charset=utf-8\r\n"
             "\r\n"
             "请查收附件中的文件。服务器性能测试\r\n"},
    {.text = "Subject: three files\r\n"
             "Content-Type: multipart/mixed; boundary=b\r\n"
             "\r\n"
             "--b\r\n"
             "Content-Type: application/pdf\r\n"
             "Content-Disposition: attachment; "
             "filename*=utf-8'de'Rechnung%20f%C3%BCr%20M%C3%A4rz.pdf\r\n"
             "\r\n"
             "not shown\r\n"
             "--b\r\n"
             "Content-Type: application/octet-stream;\r\n"
             " name*=UTF-8''%E6%9C%8D%E5%8A%A1%E5%99%A8.txt\r\n"
             "\r\n"
             "not shown\r\n"
             "--b\r\n"
             "Content-Type: application/msword\r\n"
             "Content-Disposition: attachment; filename*0*=iso-8859-1''Lang%20und;\r\n"
             " filename*1*=%20l%E4nger.doc\r\n"
             "\r\n"
             "not shown\r\n"
             "--b--\r\n",
     .has_names = true},
    {.text = "Subject: broken\r\n"
             "Content-Type: text/plain; charset=koi8-r\r\n"
             "\r\n"
             "ab\xe4"
             "cd \xf0\xd2\xc9\xd7\xc5\xd4 \xc3( \xe4\xb8 end\r\n"},
    {.text = "Subject: Grüße\r\n"
             "Content-Type: text/plain; charset=utf-8\r\n"
             "\r\n"
             "ΟΔΥΣΣΕΥΣ, Ёлка, naïve ÉTÉ, 東京タワー, 한국어 메일, 😀🎉, שלום, ไทย\r\n"},
    /* each in its own character set */
    {.text = "Subject: old\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
             "--b\r\nContent-Type: text/plain; charset=iso-8859-2\r\n\r\n"
             "p\xf8\xedli\xb9"
             "\r\n"
             "--b\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\n"
             "\xcf\xf0\xe8\xe2\xe5\xf2"
             "\r\n"
             "--b\r\nContent-Type: text/plain; charset=gb2312\r\n\r\n"
             "\xb7\xfe\xce\xf1\xc6\xf7"
             "\r\n"
             "--b\r\nContent-Type: text/plain; charset=big5\r\n\r\n"
             "\xaa\x41\xb0\xc8"
             "\r\n"
             "--b\r\nContent-Type: text/plain; charset=shift_jis\r\n\r\n"
             "\x93\x8c\x8b\x9e"
             "\r\n"
             "--b\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
             "\x1b$B\x45\x6c\x35\x7e\x1b(B"
             "\r\n"
             "--b\r\nContent-Type: text/plain; charset=euc-kr\r\n\r\n"
             "\xc7\xd1\xb1\xdb"
             "\r\n"
             "--b--\r\n"},
    {.text = "no header at all\r\n"},
    {.text = ""},
};

/* Folded before use. Some are in no message, some are too short or have no letter. */
static const char *const search_needles[] = {
    "straße und ÄPFEL",
    "zusammengesetzt",
    "<b>World</b>",
    "world",
    "inner",
    "inner subject",
    "Jörg",
    "subject: grüße and more",
    "joerg@",
    "preamble",
    "text inner",
    "服务器",
    "服务",
    "服",
    "务器",
    "器",
    "文件。服务",
    "测试",
    "试",
    "能测",
    "猫",
    "three files",
    "attachment",
    "koi8",
    "odysseus",
    "οδυσσευσ",
    "ΔΥΣ",
    "ёлка",
    "ВЕЗ",
    "éTé",
    "été",
    "京タ",
    "タワー",
    "국어 메",
    "😀",
    "🎉",
    "😀🎉",
    "שלום",
    "ไทย",
    "end",
    "cd",
    "a",
    "e",
    ", ",
    "---",
    "nothing of the kind",
    "header at all",
    "example.com>",
    "EXAMPLE",
    "ple.c",
    "utf-8",
    "tf-",
    "\xd2\xc9\xd7",
    "ab\xe4"
    "cd",
    "\xe4"
    "cd \xf0",
};

#endif
