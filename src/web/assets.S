/* The page's files, gzipped by the build, found through -I. */
#define EMBED(name, file)				\
	.global asset_##name##_start;			\
	.hidden asset_##name##_start;			\
	asset_##name##_start: .incbin file;		\
	.global asset_##name##_end;			\
	.hidden asset_##name##_end;			\
	asset_##name##_end: .byte 0

	.section .rodata
#ifdef WITH_PAGE
EMBED(index_html, "index.html.gz")
EMBED(app_js, "app.js.gz")
EMBED(app_css, "app.css.gz")
EMBED(icon_svg, "icon.svg.gz")
#else
EMBED(without_txt, "without.txt.gz")
#endif

	.section .note.GNU-stack, "", %progbits
