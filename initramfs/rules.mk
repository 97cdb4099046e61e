# initramfs
