.section .bundle, "a"
.global bundle_start, bundle_end
.balign 4
bundle_start:
.incbin "bundle.luac"
bundle_end:
