# The initramfs is built by rootfs/build.sh, inside the build root.
