# qemu-tests
