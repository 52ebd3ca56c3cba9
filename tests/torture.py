"""Texts that are hard to read, to cut, to store or to show: names to strings, and pairs of such texts.

Everything that could act is written as an escape; nothing here may be blank.
"""

ESC, BEL, CSI, ZWJ, VS15, VS16 = "\x1b", "\x07", "\x9b", "\u200d", "\ufe0e", "\ufe0f"

_MARKS = {
    "combining marks": "cafe\u0301 film u\u0308ber n\u0303 A\u030angstro\u0308m",
    "a mark first": "\u0301film \u0308 good",
    "stacked diacritics": "f\u0300\u0301\u0302\u0323\u0331i\u0346\u0353l\u034b\u0359m go\u0489\u20ddod",
    "zalgo words": " ".join("".join(c + "\u0335\u0321\u0351\u0357" for c in word) for word in ("good", "bad")),
    "5,000 marks in a run": "fil" + "\u0301" * 5_000 + "m good",
    "precomposed and not": "\u00e9 e\u0301 \ufb01lm \u1e9b\u0323 \u212b",
    "hangul jamo": "\u1112\u1161\u11ab\u1100\u1173\u11af \ud55c\uae00",
    "a mark behind a joiner": "film" + ZWJ + "\u0301 good\u200b\u0308",
}
_EMOJI = {
    "families": "\U0001f468" + ZWJ + "\U0001f469" + ZWJ + "\U0001f467" + ZWJ + "\U0001f466 good film",
    "professions": "\U0001f469\U0001f3fd" + ZWJ + "\U0001f680 \U0001f3f3" + VS16 + ZWJ + "\U0001f308",
    "flags": "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7 \U0001f1e9 \U0001f1ea\U0001f1eb film",
    "a flag of tags": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f good",
    "skin tones": "\U0001f44d\U0001f3fb\U0001f44d\U0001f3ff \U0001f3fd good",
    "variation selectors": f"\u2764{VS16} \u2764{VS15} 1{VS16}\u20e3 \u845b\U000e0100 good{VS16}film",
    "half a sequence": f"{ZWJ}\U0001f469{ZWJ} {VS16} {ZWJ}film",
}
_DIRECTIONS = {
    "hebrew": "\u05e1\u05b6\u05e8\u05b6\u05d8 \u05d8\u05d5\u05d1, film",
    "arabic": "\u0641\u0650\u064a\u0644\u0645\u064c \u062c\u064a\u062f\u061f 3.5",
    "bidi overrides": "good \u202egnp.exe\u202c film \u202dbad\u202c",
    "bidi isolates": "\u2066good\u2069 \u2067film\u2069 \u2068bad\u2069 \u2069\u2069",
    "unclosed embeddings": "\u202a\u202b\u2066 good film",
    "directional marks": "good\u200e\u200f film\u061c !",
    "mixed scripts": "\u0444\u0438\u043b\u044c\u043c film\u96fb\u5f71\u3067\u3059 "
    "\u0e20\u0e32\u0e1e\u0e22\u0e19\u0e15\u0e23\u0e4c "
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u03c6\u03b9\u03bb\u03bc",
    "homoglyphs": "g\u043e\u043ed fi\u04cfm \uff47\uff4f\uff4f\uff44 \U0001d41f\U0001d422\U0001d425\U0001d426",
}
_CONTROLS = {
    "C0": "good " + "".join(map(chr, range(0x20))) + " film\x7f",
    "C0 between words": " ".join(f"a{chr(code)}b" for code in range(0x20)),
    "C1": "good " + "".join(map(chr, range(0x7F, 0xA0))) + " film",
    "NUL": "good\x00film \x00 \x00bad",
    "colour": f"{ESC}[31mred{ESC}[0m film {ESC}[1;5;7m!",
    "cursor": f"good {ESC}[2J{ESC}[H{ESC}[1A{ESC}[2K film\b\b\b\bbad",
    "title and clipboard": f"{ESC}]0;owned{BEL} {ESC}]52;c;Zm9v{BEL} film",
    "link": f"{ESC}]8;;https://evil.example/{ESC}\\good{ESC}]8;;{ESC}\\ film",
    "C1 CSI and OSC": f"{CSI}31mred{CSI}0m \x9d0;owned\x9c film \x90q\x9c",
    "device control": f"{ESC}P+q544e{ESC}\\ {ESC}c {ESC}[6n {ESC}_x{ESC}\\ film",
    "carriage returns": "good\rbad\r\nfilm\r",
    "rich markup": "[bold red]good[/] [link=https://evil.example]film[/link] :smile: [/nothing]",
}
_BEYOND = {
    "a high surrogate": "good \ud83d film",
    "a low surrogate": "good \ude00film",
    "swapped surrogates": "\ude00\ud83d film \ud83d\ude00",
    "a surrogate in a word": "fi\ud800lm \udcff",
    "private use": "good \ue000\uf8ff film \U000f0000 \U0010fffd",
    "noncharacters": "good \ufffe \uffff film \ufdd0 \U0001ffff \U0010ffff",
    "unassigned": "good \u0378 \U0002fffd film",
    "a BOM inside": "\ufeffgood fi\ufefflm \ufeff",
    "replacement characters": "\ufffd \ufffd\ufffdfilm",
}
_SPACES = {
    "spaces of all kinds": "good"
    + "film".join("\u0020\u00a0\u1680\u2000\u2003\u2007\u2009\u200a\u202f\u205f\u3000\t\n\x0b\x0c\r\x1c\x1f\x85")
    + "bad",
    "spaces at both ends": " \t\n\u3000good  \u00a0 film\u2003\n\n",
    "line separators": "good\u2028film\u2029bad\u0085dull",
    "no width": "go\u200bod\u2060 fi\u00adlm \u180e bad",
}
_LONG = {
    "a million characters without a space": "film" * 250_000,
    "2,000 words of one letter": " ".join("abcdefghij"[index % 10] for index in range(2_000)),
    "2,000 punctuation marks": "good " + "?!" * 1_000,
    "300 emoji without a space": "\U0001f600\U0001f44d\U0001f3fd" * 150,
}
_INJECTIONS = {
    "script": "<script>alert(1)</script> good </title></style></script><script>x</script>",
    "image": "\"><img src=x onerror='alert(1)'> ' onmouseover=alert(1) x=' film",
    "svg": "<svg onload=alert(1)><foreignObject><a href='javascript:alert(1)'>good</a></foreignObject></svg>",
    "ends of sections": "]]> --> <!-- <![CDATA[ <?xml version='1.0'?> <!DOCTYPE x [<!ENTITY e SYSTEM 'x'>]> &e; film",
    "entities": "&lt;b&gt; &amp; &#60;img src=x&#62; &#x0; good",
    "templates": "{{ 7*7 }} {% raw %} ${7*7} #{7*7} <%= 7*7 %> film",
    "mathematics": "$\\frac{1}{0}$ $x^2 \\input{/etc/passwd} \\\\ %s %n {} {0} film",
    "formula": "=cmd|' /C calc'!A0 good",
    "formula with plus": '+1+1,"quoted"\n@SUM(1+1)\t-2+3',
    "quotes": '"good" \'film\' """ \'\'\' `x` \\" \\n, ; |',
    "paths": "../../etc/passwd \\\\host\\share %00 ~ $HOME `id` $(id) && ; film",
    "special tokens": "[CLS] good [SEP] [MASK] film [PAD] [UNK] [SEP][SEP] ##able",
    "JSON": '{"text": null, "label": 1}\\u0000 \\ud800 film NaN',
}
TEXTS = {**_MARKS, **_EMOJI, **_DIRECTIONS, **_CONTROLS, **_BEYOND, **_SPACES, **_LONG, **_INJECTIONS}
PAIRS = {
    f"{first} | {second}": (TEXTS[first], TEXTS[second])
    for first, second in (
        ("link", "C1 CSI and OSC"),
        ("bidi overrides", "unclosed embeddings"),
        ("swapped surrogates", "swapped surrogates"),
        ("special tokens", "special tokens"),
        ("script", "svg"),
        ("families", "zalgo words"),
        ("2,000 words of one letter", "5,000 marks in a run"),
        ("2,000 punctuation marks", "2,000 words of one letter"),
        ("formula", "formula with plus"),
        ("spaces of all kinds", "noncharacters"),
    )
}
ALL = {**TEXTS, **PAIRS}
