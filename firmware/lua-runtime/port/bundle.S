.section .bundle, "a"
.global bundle_start, bundle_end
.balign 4
bundle_start:
.incbin "bundle.luac"
bundle_end:
.global bundle_hash
bundle_hash:
.incbin "bundle.sha256"
