/* The coefficients of meantime_math.h. scripts/summand_tables.py writes this file. */
#ifndef MEANTIME_MATH_TABLES_H
#define MEANTIME_MATH_TABLES_H

/* (exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2 */
static const double meantime_math_exp[10] = {
    0x1.0000000000001p-1, 0x1.5555555555556p-3, 0x1.5555555553d63p-5, 0x1.11111111109b3p-7,
    0x1.6c16c1788bd90p-10, 0x1.a01a01a7c41d5p-13, 0x1.a019b90d2ae7ap-16, 0x1.71de0dae63bb3p-19,
    0x1.289185613a3d6p-22, 0x1.af38a9b0ec855p-26,
};

/* (2 atanh(s) / s - 2) / z, z = s^2, for 1/2 <= m^2 <= 2, s = (m - 1) / (m + 1) */
static const double meantime_math_log[8] = {
    0x1.5555555555555p-1, 0x1.9999999999a38p-2, 0x1.2492492476c87p-2, 0x1.c71c720160b47p-3,
    0x1.745cf901605f7p-3, 0x1.3b1c360763b8ap-3, 0x1.0fbe83c2cbcf3p-3, 0x1.0c04595972ab8p-3,
};

/* (2 atanh(s) / s - 2 - 2 z / 3) / z^2 */
static const double meantime_math_pow[8] = {
    0x1.999999999999ap-2, 0x1.2492492492521p-2, 0x1.c71c71c6eaa10p-3, 0x1.745d177a96056p-3,
    0x1.3b1395d2190c1p-3, 0x1.1118c7e4b0917p-3, 0x1.df7cc8e5fa539p-4, 0x1.e02e6fff27908p-4,
};

/* (sin(r) / r - 1) / z, z = r^2, for |r| <= pi / 4 */
static const double meantime_math_sin[6] = {
    -0x1.5555555555555p-3, 0x1.1111111110bb2p-7, -0x1.a01a019e83816p-13, 0x1.71de379654304p-19,
    -0x1.ae600aca92c64p-26, 0x1.5e0b05bff20f2p-33,
};

/* (cos(r) - 1 + z / 2) / z^2 */
static const double meantime_math_cos[6] = {
    0x1.5555555555555p-5, -0x1.6c16c16c16967p-10, 0x1.a01a019f4e9b4p-16, -0x1.27e4fa17bf139p-22,
    0x1.1eeb68cd22f56p-29, -0x1.907d8f29fe831p-37,
};

/* erf(x) / x - 1 in powers of x^2, for |x| <= 1/2 */
static const double meantime_math_erf[11] = {
    0x1.06eba8214db69p-3, -0x1.812746b0379e7p-2, 0x1.ce2f21a042be0p-4, -0x1.b82ce312889f1p-6,
    0x1.565bcd0e5f524p-8, -0x1.c02db3f9d2e63p-11, 0x1.f9a324a1fafb9p-14, -0x1.f4d1cfbaa6a39p-17,
    0x1.b9d19916428c3p-20, -0x1.5d762279d8204p-23, 0x1.c6059fbd11bd2p-27,
};

/* exp(x^2) erfc(x) around the middle of each of 8 pieces of each octave of 1 + x:
 * the constant, its rounding error, and the other terms */
static const double meantime_math_erfcx[40][14] = {
    {
        0x1.ddcd359cbe323p-1, -0x1.6d89042ed16cdp-55, -0x1.0300a1aa5dd3bp0, 0x1.bd6d21677277bp-1,
        -0x1.46c6f62982fffp-1, 0x1.a900b204da47cp-2, -0x1.f597e75bc61f1p-3, 0x1.10e2a1dbfd2c8p-3,
        -0x1.14e0fe7074966p-4, 0x1.083b99eb6f6aap-5, -0x1.dd8c79f65ac65p-7, 0x1.9ad54c12045d6p-8,
        -0x1.529db7914ea1ep-9, 0x1.0b522e4fe78e6p-10,
    },
    {
        0x1.a36bbb7f3686dp-1, -0x1.c5a2bb61934d2p-56, -0x1.a47283b89efb1p-1, 0x1.549642cc98b7cp-1,
        -0x1.db731eedadcb9p-2, 0x1.280377e6506cap-2, -0x1.4ff52d286512cp-3, 0x1.60b0a4e35e58cp-4,
        -0x1.5a29d8d0c3bf2p-5, 0x1.403cb8931f30bp-6, -0x1.190395fd767e3p-7, 0x1.d63a0be98ad8bp-9,
        -0x1.795edefc14a32p-10, 0x1.226e813ff28e7p-11,
    },
    {
        0x1.73c189ceaedaep-1, -0x1.fc5f40f846538p-55, -0x1.5961f3e72624ep-1, 0x1.07d2ed9672ef5p-1,
        -0x1.5e95623582f82p-2, 0x1.a2172c7c2cf12p-3, -0x1.c8693869c5fe4p-4, 0x1.ce5e4f8f87b70p-5,
        -0x1.b70bfb6ccfa01p-6, 0x1.89c4704a4eef8p-7, -0x1.4f92cee7cf5b9p-8, 0x1.11111ae371da7p-9,
        -0x1.aac833fc72acep-11, 0x1.40396d768ea9cp-12,
    },
    {
        0x1.4c630ec387d55p-1, -0x1.ba4f1d9407040p-58, -0x1.1ee43d1d3c930p-1, 0x1.9dbe680d7aaa0p-2,
        -0x1.05d8c87862526p-2, 0x1.2b2f9058cfa5fp-3, -0x1.3a3d67d4badcdp-4, 0x1.3342d78308dbbp-5,
        -0x1.1a50e55de9e52p-6, 0x1.eb024ab154be3p-8, -0x1.966bb0390efe0p-9, 0x1.41aee153844f6p-10,
        -0x1.e99b584f51446p-12, 0x1.662d1868660efp-13,
    },
    {
        0x1.2b84f076e14fbp-1, 0x1.b8bd1accf8123p-55, -0x1.e18ab7052be7fp-2, 0x1.482bd9fad9ed0p-2,
        -0x1.8bed65e01718dp-3, 0x1.b1a22aa7a6dc0p-4, -0x1.b65943018012fp-5, 0x1.9dcc15144e3fap-6,
        -0x1.6ff6b386ff820p-7, 0x1.364eb298de842p-8, -0x1.f300debd2a6e7p-10, 0x1.80373248371f8p-11,
        -0x1.1cc43fda6d6f4p-12, 0x1.9642b7452ecbep-14,
    },
    {
        0x1.0fce4e96dd619p-1, -0x1.7210607953137p-57, -0x1.97fe7bf1c60f0p-2, 0x1.071da7f78298dp-2,
        -0x1.2ecd75f4d05d4p-3, 0x1.3e0e0ed6b5f18p-4, -0x1.358dce2b36013p-5, 0x1.1a31bff524627p-6,
        -0x1.e5d3e5009410ap-8, 0x1.8d62a93511556p-9, -0x1.366c593b1e790p-10, 0x1.d115523bed123p-12,
        -0x1.4fc0ba28a25d4p-13, 0x1.d31aa82f955acp-15,
    },
    {
        0x1.f0723ff5acdf9p-2, -0x1.7b669ffa31576p-58, -0x1.5cbc2c216df00p-2, 0x1.aa32b83507192p-3,
        -0x1.d43ed8ca5d7a1p-4, 0x1.d7f26045a23f1p-5, -0x1.ba6d691685942p-6, 0x1.859d3cc5fa7e6p-7,
        -0x1.44bd2e2d3cb9ap-8, 0x1.01b0620560ab8p-9, -0x1.87346660ed2a1p-11, 0x1.1d2918ea0cbefp-12,
        -0x1.9116a8b0c0a8dp-14, 0x1.1019f1990c6bep-15,
    },
    {
        0x1.c7f81382721efp-2, -0x1.3f947ee724dfcp-62, -0x1.2c84af7c10e14p-2, 0x1.5c775dfc44978p-3,
        -0x1.6dcc9e7a2c9b5p-4, 0x1.61fee765ff5d7p-5, -0x1.3fc8366a2e2cfp-6, 0x1.102167daf789bp-7,
        -0x1.b75cb1ae9f8fcp-9, 0x1.524f5c6e3860dp-10, -0x1.f329aa092d3b6p-12,
        0x1.621c0d3aca716p-13, -0x1.e5453647aee2dp-15, 0x1.411c545d6a5fbp-16,
    },
    {
        0x1.9531e09b149b5p-2, -0x1.aa513235e9c37p-58, -0x1.e78b356770fbbp-3, 0x1.05e72521ca1b8p-3,
        -0x1.01343a2c92275p-4, 0x1.d4e711a2df991p-6, -0x1.910a5d7bfa019p-7, 0x1.446c5166c310dp-8,
        -0x1.f38c6d75c2dd7p-10, 0x1.6fd9a5be90814p-11, -0x1.041d7d1596830p-12,
        0x1.62735a11c3355p-14, -0x1.d50b4239215e4p-16, 0x1.2b01103f017c5p-17,
    },
    {
        0x1.5f88f52f3c76bp-2, -0x1.b7eb97a02d0e7p-57, -0x1.797a639d8129dp-3, 0x1.701342cbcea7bp-4,
        -0x1.4bcdb9d9083cep-5, 0x1.17eba60d31fd1p-6, -0x1.bdf24bcca0a44p-8, 0x1.51ab9ffce088cp-9,
        -0x1.e8ae690498eafp-11, 0x1.535f582c3e0eep-12, -0x1.c5f95ee1f6016p-14,
        0x1.254e37bf7aafep-15, -0x1.70b2d98674df3p-17, 0x1.bfa42b0d868e6p-19,
    },
    {
        0x1.3583f6644327bp-2, -0x1.88eb8ebfdccaep-56, -0x1.2b11e6959934cp-3, 0x1.0a15ac2adab35p-4,
        -0x1.ba018e642810cp-6, 0x1.5a142948a9b34p-7, -0x1.014eae282be7cp-8, 0x1.6d609f6aac688p-10,
        -0x1.f1b43d76dfa48p-12, 0x1.465ecd36bc883p-13, -0x1.9d615fbb619ebp-15,
        0x1.fafbb2e8d214fp-17, -0x1.2ef42ef784635p-18, 0x1.5e83abb87c1fbp-20,
    },
    {
        0x1.13e5743b60480p-2, 0x1.ca1dfca5d5331p-56, -0x1.e36580c7f734ap-4, 0x1.8a6efeed233adp-5,
        -0x1.2ef92f6f1079ap-6, 0x1.b99589d40f240p-8, -0x1.33237c3ee7628p-9, 0x1.99b60e42d9c0bp-11,
        -0x1.070e0ccd5ad89p-12, 0x1.4631c4c960382p-14, -0x1.87a581d87c621p-16,
        0x1.c858a38809c6bp-18, -0x1.03804e60b7ecap-19, 0x1.1e564724ba684p-21,
    },
    {
        0x1.f0fd28fdc20abp-3, 0x1.46db6c427dad1p-57, -0x1.8d6f73d5aa121p-4, 0x1.2adaf7aaf55e1p-5,
        -0x1.aa2443aac74b4p-7, 0x1.21decee0edf8ep-8, -0x1.7a181925b840bp-10, 0x1.dab55d6f60736p-12,
        -0x1.1fc8913d7ca7cp-13, 0x1.51e08677d8868p-15, -0x1.81041565058cep-17,
        0x1.aaac980771c77p-19, -0x1.ce3b3f6ce95b4p-21, 0x1.e6d2c540c8013p-23,
    },
    {
        0x1.c3987d04d0b98p-3, -0x1.f0a1b80de2477p-57, -0x1.4baeac94dc8b2p-4, 0x1.cdc880a056a24p-6,
        -0x1.32a8abc8db399p-7, 0x1.8680d28749380p-9, -0x1.deb45e9cfc0ebp-11, 0x1.1b649b9ad9f95p-12,
        -0x1.44f8e8d29fa7ep-14, 0x1.69c345acf7adep-16, -0x1.87bbe7f670a13p-18,
        0x1.9d57729de9868p-20, -0x1.aafaa3cefcfa2p-22, 0x1.ad9d3fff0ea93p-24,
    },
    {
        0x1.9d7738e1f4db7p-3, 0x1.e59221b625876p-59, -0x1.18737afe106cep-4, 0x1.6afd3ba3fa642p-6,
        -0x1.c28dd3c4d6776p-8, 0x1.0d40a2ab36977p-9, -0x1.36e9940d2e612p-11, 0x1.5bd1dd62fc474p-13,
        -0x1.79dac38f1dc5dp-15, 0x1.8f6934664dc91p-17, -0x1.9b85c2984805ap-19,
        0x1.9de9d926e2278p-21, -0x1.982217c54f1f9p-23, 0x1.88adb43717feep-25,
    },
    {
        0x1.7d0a5e9dd5710p-3, 0x1.1e8a33dae4580p-57, -0x1.dfc0205709b2cp-5, 0x1.21c23afa33c47p-6,
        -0x1.512f92fca6d78p-8, 0x1.7b404aa4decc6p-10, -0x1.9d6f22275d2efp-12,
        0x1.b5d78b2dbaa98p-14, -0x1.c35c652a7687cp-16, 0x1.c5b48a0cda225p-18,
        -0x1.bd5e5c75cc06ap-20, 0x1.ab813c4fff3d8p-22, -0x1.92ced69251bc6p-24,
        0x1.72f24cab6ed9bp-26,
    },
    {
        0x1.54a7a08d4bb45p-3, -0x1.6a0d91336bdc9p-61, -0x1.82a8522b868a1p-5, 0x1.a7eddc9ee6425p-7,
        -0x1.c24b49c47a3fap-9, 0x1.d085857a18035p-11, -0x1.d25ebba129a98p-13,
        0x1.c882f022fff88p-15, -0x1.b45d04727fb05p-17, 0x1.97dd7a925a021p-19,
        -0x1.7539374cfb2b8p-21, 0x1.4ebdb00378173p-23, -0x1.294e3d5afadbfp-25,
        0x1.00c9bbdf5bca9p-27,
    },
    {
        0x1.2a2af19c14930p-3, -0x1.fa04a06a33f29p-57, -0x1.2aa6503acda11p-5, 0x1.22f0664f3cbf9p-7,
        -0x1.1434ae05873f7p-9, 0x1.fff032a0df8fep-12, -0x1.cfcdea1ad3706p-14,
        0x1.9b50d0d2263bfp-16, -0x1.65778bb154732p-18, 0x1.30c2fc08d1ee7p-20,
        -0x1.fe3ad04be1b7dp-23, 0x1.a3bc45e5bfcd9p-25, -0x1.5649281486fa1p-27,
        0x1.1074472257be5p-29,
    },
    {
        0x1.08e62ce8c89adp-3, -0x1.dc926b221fa47p-57, -0x1.da39533524970p-6, 0x1.9ef71691a5520p-8,
        -0x1.6373226edf56ap-10, 0x1.2a660fdec0473p-12, -0x1.eb88e0e8ca7eep-15,
        0x1.8d8e59752aec0p-17, -0x1.3c0776c5b27bdp-19, 0x1.ee335f957103fp-22,
        -0x1.7c54b68e5bd98p-24, 0x1.20499736a085cp-26, -0x1.b1a442bcfafb1p-29,
        0x1.3f571fe99e3bdp-31,
    },
    {
        0x1.dc603a3e77e9bp-4, -0x1.d4e9c037b2163p-59, -0x1.81149bc4a104bp-6, 0x1.317c144f8b419p-8,
        -0x1.dc1af883a33e1p-11, 0x1.6cc10c16255b4p-13, -0x1.12f1743bb95d9p-15,
        0x1.9818c0a1b6aabp-18, -0x1.2a625a7615ffep-20, 0x1.ae1fad3bc1581p-23,
        -0x1.31c2c80d59540p-25, 0x1.acf899a5c2888p-28, -0x1.2ad39d5535379p-30,
        0x1.98b934c60991ap-33,
    },
    {
        0x1.b096face146fep-4, 0x1.97cf1d947d704p-59, -0x1.3e981b3b13590p-6, 0x1.cdeae21161624p-9,
        -0x1.49d492a39eb67p-11, 0x1.d03e19aa11383p-14, -0x1.4230e3ccf08cep-16,
        0x1.b93f4735c1d0ap-19, -0x1.2a435320fb004p-21, 0x1.8e3753521be50p-24,
        -0x1.06a2f8a4d7612p-26, 0x1.5668b2bab71ecp-29, -0x1.bba41a8b99f7cp-32,
        0x1.1ac6649705bf3p-34,
    },
    {
        0x1.8c14049cd551ep-4, -0x1.060a6f657761dp-59, -0x1.0bc46cdc18fe6p-6, 0x1.6535040e2c85ap-9,
        -0x1.d662fda6d50fap-12, 0x1.31dddbe4362a3p-14, -0x1.8900e0bd2372cp-17,
        0x1.f31a325ab3d97p-20, -0x1.395be092f5d37p-22, 0x1.8530fe198ad4ap-25,
        -0x1.de4158dbea887p-28, 0x1.22d4a9772b3b1p-30, -0x1.5fbf1a2c825d0p-33,
        0x1.a35c89490868cp-36,
    },
    {
        0x1.6d2f811bf7397p-4, 0x1.8187bba0d21bdp-58, -0x1.c82c132848f67p-7, 0x1.19a2448fc71d8p-9,
        -0x1.57e0ab4d7cb1dp-12, 0x1.9f57d767b656cp-15, -0x1.f067807235540p-18,
        0x1.259fcb450dac5p-20, -0x1.57ec1a0c872f8p-23, 0x1.8ef5703057449p-26,
        -0x1.ca76126b592cap-29, 0x1.05039b09ca435p-31, -0x1.27b8722f2f7bfp-34,
        0x1.4acc4c3992914p-37,
    },
    {
        0x1.52b80d463c470p-4, -0x1.f2f9d2243f17bp-58, -0x1.8914e8736d77dp-7, 0x1.c39a4935fa76ap-10,
        -0x1.00e4e3d2d8508p-12, 0x1.21808c22d6ecfp-15, -0x1.433e288b7da96p-18,
        0x1.65acd3c2f4b44p-21, -0x1.884f46df0a18ep-24, 0x1.aa9f00ab4ddfbp-27,
        -0x1.cc0f558b778c6p-30, 0x1.ec13a8c25ad33p-33, -0x1.05fa3071900d1p-35,
        0x1.13cadc3fb1ac3p-38,
    },
    {
        0x1.31742f4d8d4d3p-4, -0x1.f82bc955e371ap-59, -0x1.404455ba9f3bep-7, 0x1.4d07bba601411p-10,
        -0x1.5783a27fad41ap-13, 0x1.5f8a69c9ddd43p-16, -0x1.64fcbb7074145p-19,
        0x1.67ca2bf715263p-22, -0x1.67f15034543efp-25, 0x1.657f3c3d18803p-28,
        -0x1.6089a510329a1p-31, 0x1.5941b3e7bc2fdp-34, -0x1.53d3a26873434p-37,
        0x1.484a032f5c9c5p-40,
    },
    {
        0x1.0e078051f491dp-4, 0x1.52f3784168bc7p-62, -0x1.f57cad15dbe3cp-8, 0x1.cea22f2be068fp-11,
        -0x1.a80f2934e8c11p-14, 0x1.82426c7525094p-17, -0x1.5da898d7c8304p-20,
        0x1.3a9b814a45145p-23, -0x1.196240b83ac2cp-26, 0x1.f463bcac09aa5p-30,
        -0x1.ba58d88d91ca7p-33, 0x1.84d5f2f5bd01fp-36, -0x1.572a6e36e04f3p-39,
        0x1.2a4b05aa8372dp-42,
    },
    {
        0x1.e3db9bbbefc9ep-5, 0x1.7e1158301f330p-61, -0x1.93108c9356f33p-8, 0x1.4dfd333e2243cp-11,
        -0x1.134ff44260796p-14, 0x1.c3904bd3edb9fp-18, -0x1.7074a5b54b608p-21,
        0x1.2b25ebb3e769dp-24, -0x1.e35fb11eb05cfp-28, 0x1.84a3684fa3ee5p-31,
        -0x1.36f902a146de6p-34, 0x1.ef53e8323b1f9p-38, -0x1.8bc561a58262ap-41,
        0x1.38470db571951p-44,
    },
    {
        0x1.b634a500659c3p-5, -0x1.0e1b7c7eff9dcp-59, -0x1.4ae8bbe708546p-8, 0x1.f197309556b6fp-12,
        -0x1.7481570279721p-15, 0x1.15adcc42ea66dp-18, -0x1.9c3efbbaaab53p-22,
        0x1.30be82b9c22dcp-25, -0x1.c0b4987795c65p-29, 0x1.48ffe316015adp-32,
        -0x1.e084d59a631e0p-36, 0x1.5d871ef1752c1p-39, -0x1.fddc50475cd4ep-43,
        0x1.6ff922b693d84p-46,
    },
    {
        0x1.90658c4eb57cbp-5, 0x1.34d86d2744d5ap-59, -0x1.14782b97452f2p-8, 0x1.7c66d2a104795p-12,
        -0x1.04c1668352a7ep-15, 0x1.6433d10f6a278p-19, -0x1.e4dce67f49af9p-23,
        0x1.48d73b50790d2p-26, -0x1.bc802d7701542p-30, 0x1.2b635d4e4006ap-33,
        -0x1.91ebffe99f795p-37, 0x1.0ce155a746e00p-40, -0x1.6891b7a35ed10p-44,
        0x1.df3777cfcecd3p-48,
    },
    {
        0x1.7093453935bbap-5, -0x1.762f5d8ce1d91p-61, -0x1.d4cddeef787a8p-9, 0x1.2937870fcdf5ep-12,
        -0x1.77b3f7978e1acp-16, 0x1.d976d0b378988p-20, -0x1.296db577f5b12p-23,
        0x1.7490dc0038a8fp-27, -0x1.d14be2792348dp-31, 0x1.21b2688e75ceep-34,
        -0x1.67ad4b6a40705p-38, 0x1.bd4569752595dp-42, -0x1.1426320162a63p-45,
        0x1.53e700f7e9ad8p-49,
    },
    {
        0x1.556d4dd1f605cp-5, -0x1.69934deee4d59p-59, -0x1.9276b60443f7cp-9, 0x1.d9243e5cacb1bp-13,
        -0x1.1560775b6b45fp-16, 0x1.445d3c99eaf8fp-20, -0x1.7a51b09ecb0ebp-24,
        0x1.b81a86a445d27p-28, -0x1.fea8dccd41442p-32, 0x1.27818fc0de42fp-35,
        -0x1.55225307a2c43p-39, 0x1.88d1723e9dc72p-43, -0x1.c515bd8ba73eep-47,
        0x1.038fd2be6d635p-50,
    },
    {
        0x1.3dfeb746148ecp-5, 0x1.bc232653f962bp-61, -0x1.5d3dd94e2ae31p-9, 0x1.7eaa573db0fa8p-13,
        -0x1.a2517ed700044p-17, 0x1.c83e256c7b62cp-21, -0x1.f0785eacde974p-25,
        0x1.0d829aa28f365p-28, -0x1.23f3333e38b4fp-32, 0x1.3b8d1083a4ef3p-36,
        -0x1.544cf24ae08b5p-40, 0x1.6e2ee91e3ffaap-44, -0x1.8a9ad80fb3130p-48,
        0x1.a6c1ca5c6e72ap-52,
    },
    {
        0x1.204ddcd967373p-5, 0x1.b3dbe954f2106p-61, -0x1.1f305584ff3edp-9, 0x1.1d875467f863ap-13,
        -0x1.1b561359e7867p-17, 0x1.18a087087955ep-21, -0x1.156b53c5028fep-25,
        0x1.11bbc0ee2c904p-29, -0x1.0d97ad61350a9p-33, 0x1.09057770ec540p-37,
        -0x1.04082ddfbcedcp-41, 0x1.fd5d8be995c34p-46, -0x1.f80ef882797a6p-50,
        0x1.ebdefdbd0a540p-54,
    },
    {
        0x1.005fe090c5e5dp-5, -0x1.4a17d4faf57b0p-59, -0x1.c661852c5133ap-10,
        0x1.920b4fb071805p-14, -0x1.6332593657903p-18, 0x1.3955a9a783db4p-22,
        -0x1.13fdbd8dd2eccp-26, 0x1.e578451b8b28ep-31, -0x1.aa561c4c9abbfp-35,
        0x1.75d9d62abe459p-39, -0x1.4754d1081d5fbp-43, 0x1.1e30921b22dd8p-47,
        -0x1.f8912c4abb88ap-52, 0x1.b7d997e9a288ap-56,
    },
    {
        0x1.cd9bc89b73548p-6, -0x1.c826601a2f019p-65, -0x1.705e8c0688050p-10,
        0x1.259993494e472p-14, -0x1.d36fe3dd9012bp-19, 0x1.73a4ded43dff9p-23,
        -0x1.271eee80e7a61p-27, 0x1.d42321f815b5cp-32, -0x1.72d7967ce09aep-36,
        0x1.2569bc44c80e3p-40, -0x1.cfbafbfc93ba6p-45, 0x1.6e0656301c75ap-49,
        -0x1.22d8996219aefp-53, 0x1.ca0720b5d8e0cp-58,
    },
    {
        0x1.a3bc12161d4ebp-6, -0x1.b352d33781d73p-61, -0x1.30a253d642e9cp-10,
        0x1.b9bd9f029a792p-15, -0x1.3ff35b4b9dfbap-19, 0x1.cf017aa140a6dp-24,
        -0x1.4eabfd678f84fp-28, 0x1.e35421d7aaef9p-33, -0x1.5ca814a0640bap-37,
        0x1.f6830f5e64b72p-42, -0x1.69c2eeee20593p-46, 0x1.042dad1519907p-50,
        -0x1.78537a32edcdbp-55, 0x1.0e1c90395a483p-59,
    },
    {
        0x1.80d1e88d3c620p-6, -0x1.8f9595af81aacp-67, -0x1.001a68f1b5449p-10,
        0x1.54964558f64cep-15, -0x1.c48d27f6c7d15p-20, 0x1.2c675fe0705b8p-24,
        -0x1.8e79b818fc1f7p-29, 0x1.080e891cfa6a5p-33, -0x1.5daa8800664e1p-38,
        0x1.cea3523de13fbp-43, -0x1.31cac610a19d0p-47, 0x1.93e7c76876622p-52,
        -0x1.0c0097f656e66p-56, 0x1.6164790cade98p-61,
    },
    {
        0x1.63438bf2c3ee9p-6, -0x1.1fc7374725534p-61, -0x1.b49a775427ef7p-11,
        0x1.0c15fcc6f7feap-15, -0x1.48fb6bc697940p-20, 0x1.936a6b39ad229p-25,
        -0x1.ee543f916c3d2p-30, 0x1.2ea50cffbea76p-34, -0x1.724f1ca962e7cp-39,
        0x1.c4c5dc64e8b18p-44, -0x1.1498fc6a76302p-48, 0x1.51b445136de5dp-53,
        -0x1.9df70497d5580p-58, 0x1.f8b03204e6fc8p-63,
    },
    {
        0x1.49ebde7878139p-6, -0x1.d95a8796b0b9fp-62, -0x1.7892d6052da5dp-11,
        0x1.ad8ccfc089fa9p-16, -0x1.e9ab4c8d1c2a2p-21, 0x1.16ecc51155d12p-25,
        -0x1.3d8fbf04c7494p-30, 0x1.695291870f4c9p-35, -0x1.9adb10d16ae70p-40,
        0x1.d2e2ed4bda3d1p-45, -0x1.091c88ae5adfep-49, 0x1.2ce3bcdc22a02p-54,
        -0x1.56ae0b99a1642p-59, 0x1.84709d407c9f2p-64,
    },
    {
        0x1.33f3abfd60d6fp-6, 0x1.060d74c72796bp-60, -0x1.481e34f76a622p-11, 0x1.5d6955b46bd2ap-16,
        -0x1.73e1a60e21d16p-21, 0x1.8b940e583cbffp-26, -0x1.a48dc57493a19p-31,
        0x1.bedc4e961bc7ep-36, -0x1.da8d76c9420cep-41, 0x1.f7af51a615711p-46,
        -0x1.0b27c59578544p-50, 0x1.1b3f03d81f0bep-55, -0x1.2d36d75707a41p-60,
        0x1.3f01f39a57045p-65,
    },
};

/* 2 / pi in chunks of 26 bits, rounded to the nearest, behind three chunks of zeros */
static const double meantime_math_two_over_pi[49] = {
    0.0, 0.0, 0.0, 0x1.45f3060000000p-1, 0x1.b939100000000p0, 0x1.529fc20000000p0,
    0x1.d5f47d0000000p0, 0x1.34ddc10000000p0, -0x1.24eb540000000p-1, 0x1.93c4390000000p0,
    0x1.07f9400000000p-4, 0x1.63abdf0000000p0, -0x1.10ea790000000p0, -0x1.1b72380000000p-1,
    -0x1.6f6c8b0000000p0, -0x1.1ff9b70000000p0, 0x1.77504e0000000p-1, 0x1.1921d00000000p0,
    -0x1.e214e40000000p-2, 0x1.62534e0000000p-1, 0x1.f744120000000p-1, -0x1.415a280000000p-1,
    -0x1.2edec60000000p0, 0x1.9c70270000000p0, -0x1.2e82070000000p0, 0x1.3991d00000000p-4,
    0x1.8e60d50000000p0, -0x1.8c16c60000000p-1, -0x1.ee81d10000000p0, -0x1.036be00000000p-3,
    -0x1.3801da0000000p0, -0x1.0fd0000000000p-11, -0x1.9fc0430000000p0, -0x1.0ee74a0000000p0,
    -0x1.7d64b80000000p0, -0x1.2593020000000p-1, -0x1.86c1a80000000p-1, 0x1.36e9e80000000p-1,
    0x1.8fd9a80000000p0, -0x1.a015d30000000p0, 0x1.d49eeb0000000p0, 0x1.faf97c0000000p-2,
    0x1.7b3d080000000p-2, -0x1.8c10ec0000000p-1, 0x1.4a4baa0000000p0, -0x1.404a050000000p0,
    0x1.1f8d5c0000000p-2, 0x1.0856030000000p0, 0x1.8237e40000000p-1,
};

#endif
