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

/* the quantile x > 0 of the normal distribution. Row 0: x / t in powers of t^2, t = p - 1/2, |t| <= 1/4.
 * The others: x around the middle of each of 4 pieces of each octave of -log(q), where q
 * is the upper tail. The constant, its rounding error, and the other terms */
static const double meantime_math_quantile[41][15] = {
    {
        0x1.40d931ff62706p1, -0x1.b9ba1de5aa0b8p-53, 0x1.4ffddeaa22e3dp1, 0x1.71713082cad68p2,
        0x1.f55d0d84c0334p3, 0x1.7849488286471p5, 0x1.2ba92838a4231p7, 0x1.f039c090ff58ap8,
        0x1.a720a3446c56ep10, 0x1.68d33552aa323p12, 0x1.6e04207d016dbp14, 0x1.87656d6772bf3p14,
        0x1.a97812d04645bp19, -0x1.b8aa5819fc909p21, 0x1.47b17a814ae46p24,
    },
    {
        0x1.d1a4377a2774cp-2, -0x1.03aeb68044bf9p-56, 0x1.ce0a4b995b680p-1, -0x1.10705d575016cp-2,
        0x1.1b68dfe6d5604p-3, -0x1.5f3bdbccc0edcp-4, 0x1.db54dbafcaf39p-5, -0x1.5343949e82ec9p-5,
        0x1.f5fda379e4d53p-6, -0x1.7d1957b5d9c1ep-6, 0x1.27022ca764872p-6, -0x1.cf7e0a35ce627p-7,
        0x1.70c1ab28f6f15p-7, -0x1.33782afc793dcp-7, 0x1.f2929b12fa99bp-8,
    },
    {
        0x1.54c6fbf12d7ebp-1, -0x1.20856a18b4f16p-55, 0x1.94f30733aa8fcp-1, -0x1.7f8d8289920b6p-3,
        0x1.443e5d112678cp-4, -0x1.4792730b331b5p-5, 0x1.69d7358160ccdp-6, -0x1.a5e0bb3f68d6fp-7,
        0x1.fe0d53874e05dp-8, -0x1.3c7949ce9ab5cp-8, 0x1.90855c9a97cafp-9, -0x1.014de2ca8a6e0p-9,
        0x1.4ec3fab2e93ddp-10, -0x1.c2e121bbd6a53p-11, 0x1.2ae43c9276e13p-11,
    },
    {
        0x1.b495a5bf48ea0p-1, -0x1.6af7ac4e801dbp-56, 0x1.6b835c1a0c4e4p-1, -0x1.1ee0db4085d5dp-3,
        0x1.980069b96886cp-5, -0x1.5ba6687d7f36cp-6, 0x1.4440d60c76dddp-7, -0x1.3f673a966141ep-8,
        0x1.465d9f3213bafp-9, -0x1.565e7615c726cp-10, 0x1.6e57ec8e0c56cp-11,
        -0x1.8e0edd9889d4bp-12, 0x1.b5f6c4c8d2449p-13, -0x1.ef5eb963f75ebp-14,
        0x1.15b657a07a98dp-14,
    },
    {
        0x1.05ab9e8b29e28p0, -0x1.3aca0a57c01b0p-55, 0x1.4bd781c53690cp-1, -0x1.c001c63bff0d1p-4,
        0x1.12aa9887a0b45p-5, -0x1.947df4ed6e203p-7, 0x1.4658a57abbdc0p-8, -0x1.16384a2c4ed23p-9,
        0x1.ec3cccd79f90bp-11, -0x1.bf2461b44362dp-12, 0x1.9e5d8810c5b42p-13,
        -0x1.85fd6e6847f5cp-14, 0x1.73ae7e132b68bp-15, -0x1.6a95e86b64754p-16,
        0x1.602c3243ec103p-17,
    },
    {
        0x1.4059f9ed66519p0, -0x1.e65dd118ac0ddp-54, 0x1.27f636014ba6dp-1, -0x1.4780ea0437073p-4,
        0x1.4c5d3838663e6p-6, -0x1.965063ec8e9a9p-8, 0x1.107c50eb60f59p-9, -0x1.8274b7b7a16bep-11,
        0x1.1c7bba59f8295p-12, -0x1.ae359cb80767dp-14, 0x1.4be984215708bp-15,
        -0x1.03fef5819791ap-16, 0x1.9cb037f72adefp-18, -0x1.574eb5891654bp-19,
        0x1.15cf37afbd303p-20,
    },
    {
        0x1.85c9ebfeb11fep0, 0x1.2cf73fece7cefp-55, 0x1.058033faa8d89p-1, -0x1.d120781886f1cp-5,
        0x1.7f3a2abc7d3d0p-7, -0x1.7d9bfa74cabeep-9, 0x1.a188e983df338p-11, -0x1.e3761fd5bf6fcp-13,
        0x1.22b32cddede3dp-14, -0x1.6732c3cbfa1b0p-16, 0x1.c4f9736f1bdf2p-18,
        -0x1.221f1cf3ba773p-19, 0x1.787919a878e24p-21, -0x1.f9d631136f384p-23,
        0x1.4ea396674f30cp-24,
    },
    {
        0x1.c3dd06b16345ap0, 0x1.df604fbc850dcp-54, 0x1.d891b309f41ccp-2, -0x1.5e7fcac29f826p-5,
        0x1.e581c959593ccp-8, -0x1.97805ebe6bd9fp-10, 0x1.784a82fa1e30fp-12,
        -0x1.6ff96bedccfa7p-14, 0x1.75e35c487691cp-16, -0x1.8673520cf7377p-18,
        0x1.a03982313553bp-20, -0x1.c2d0cf185aa2ep-22, 0x1.eea417f1d358fp-24,
        -0x1.170a192e123a0p-25, 0x1.3831f6c6f185fp-27,
    },
    {
        0x1.fc693770169f0p0, 0x1.5ef449340c4f8p-56, 0x1.b1c0231e9b986p-2, -0x1.13771ed13b450p-5,
        0x1.48d1261b7923ap-8, -0x1.dcbf63d41e10cp-11, 0x1.7ca7328fec922p-13,
        -0x1.420f2fa1ba70bp-15, 0x1.1b3accce120dcp-17, -0x1.0010fe9e46a64p-19,
        0x1.d8baa76f695d5p-22, -0x1.bb6fab6550e83p-24, 0x1.a565f65fbd465p-26,
        -0x1.9a051c445df8bp-28, 0x1.8d595ccd3ed66p-30,
    },
    {
        0x1.24aff9a96c3c4p1, -0x1.78e4b962a4724p-57, 0x1.857250fd1f761p-2, -0x1.962174c59916bp-6,
        0x1.910e2d8c604efp-9, -0x1.e269e561e2c6dp-12, 0x1.3fff9624ca584p-14,
        -0x1.c2369350fbe3dp-17, 0x1.495c9cfe9d6ecp-19, -0x1.ef958f14bb18fp-22,
        0x1.7cc2796dafc1ep-24, -0x1.2934f1198c99dp-26, 0x1.d64f397923857p-29,
        -0x1.861ff6d8c6568p-31, 0x1.3af22b8d56ca6p-33,
    },
    {
        0x1.528951e33a97fp1, -0x1.e43562e727863p-53, 0x1.5a84a7dad72a4p-2, -0x1.231589a888ea5p-6,
        0x1.d29d3c067405ep-10, -0x1.c8eb4e7e1231ep-13, 0x1.ee395ea652e23p-16,
        -0x1.1bb6215cdd151p-18, 0x1.52f05625b96f0p-21, -0x1.a0930479580d6p-24,
        0x1.0580661a0f0fap-26, -0x1.4db67ff98cd45p-29, 0x1.afa09cf8e4fcdp-32,
        -0x1.211b8a554ab6cp-34, 0x1.7d8d927eb683ap-37,
    },
    {
        0x1.7bc7c40320c30p1, -0x1.82c95de4d6af3p-54, 0x1.3ad64b3866966p-2, -0x1.ba16bf2877c53p-7,
        0x1.29da7c9633fefp-10, -0x1.eb7ea97d82f37p-14, 0x1.c07b791c99aabp-17,
        -0x1.b2b3adba2fb04p-20, 0x1.b6a3d5908d061p-23, -0x1.c781f226e6195p-26,
        0x1.e3500a454e466p-29, -0x1.04b38fd8d964bp-31, 0x1.1d0ffa630c121p-34,
        -0x1.409f89426e260p-37, 0x1.65c2f41c06e9dp-40,
    },
    {
        0x1.a18a3f0ae130cp1, 0x1.0de1426a012f3p-54, 0x1.2246db67252e3p-2, -0x1.5dbaa629b12cdp-7,
        0x1.96276067a948ap-11, -0x1.215c6b6a742f1p-14, 0x1.c876b6f76fc9ap-18,
        -0x1.7eaddc78251c6p-21, 0x1.4e20ee2603258p-24, -0x1.2c52b91c1f253p-27,
        0x1.13de16365733cp-30, -0x1.01b362c57d656p-33, 0x1.e807200fa9f5bp-37,
        -0x1.d951c9ac0aa41p-40, 0x1.c968d6114fb58p-43,
    },
    {
        0x1.d5305577b96e4p1, -0x1.b71c6024b215ep-54, 0x1.0609f69b0ef07p-2, -0x1.03efbe1c11391p-7,
        0x1.f3a6dc761f3d4p-12, -0x1.27442c8da7d8ap-15, 0x1.82d52243438f3p-19,
        -0x1.0d8bff4cbddccp-22, 0x1.876e061b389cbp-26, -0x1.24afa477c608ap-29,
        0x1.bf7087f7a2a68p-33, -0x1.5bba8ea2589c3p-36, 0x1.1215794abda08p-39,
        -0x1.c518c1a3a1646p-43, 0x1.6cb4371b5db20p-46,
    },
    {
        0x1.09880e8f1511dp2, 0x1.24379f72e501bp-54, 0x1.d4e3650d76d1dp-3, -0x1.77e6ab1bc68bap-8,
        0x1.256d905dac99fp-12, -0x1.1a4f54cdd5365p-16, 0x1.2d790c7b6d54cp-20,
        -0x1.56bcf49415e40p-24, 0x1.9641cb60f8f84p-28, -0x1.f01ae186cb94dp-32,
        0x1.35be7673658c4p-35, -0x1.8972f0d995b77p-39, 0x1.fad7b0fbf9e5fp-43,
        -0x1.523c11530d40ep-46, 0x1.bcfc91e208516p-50,
    },
    {
        0x1.257f26bb72e74p2, -0x1.49bc5e7dc5649p-52, 0x1.abd512eb97ad7p-3, -0x1.1f7b9d6a77274p-8,
        0x1.798ce9dc3e3b5p-13, -0x1.32177956a3c07p-17, 0x1.13b77b1e156b0p-21,
        -0x1.0893a1222b23dp-25, 0x1.08d3bce9b8bc3p-29, -0x1.112e876305d6bp-33,
        0x1.203a7477f9e41p-37, -0x1.357135409f7a6p-41, 0x1.50eec39e083d6p-45,
        -0x1.7983be1e4cdb7p-49, 0x1.a3d9fd38d555ap-53,
    },
    {
        0x1.3f326e80555d3p2, -0x1.f2ab3f548d2e6p-52, 0x1.8bcc0fd80bd99p-3, -0x1.c984fb6b385ddp-9,
        0x1.031fb2a7346f0p-13, -0x1.6ae130d8b2f45p-18, 0x1.1a88ed0410b1fp-22,
        -0x1.d4f14bdda065cp-27, 0x1.96173246faa3ep-31, -0x1.6a83a2b95dad5p-35,
        0x1.4b10f036a1005p-39, -0x1.33b852f03ca98p-43, 0x1.221ab92c808b3p-47,
        -0x1.184048fb54417p-51, 0x1.0de63f89aeb24p-55,
    },
    {
        0x1.627b3e40e4e93p2, 0x1.b334a905642d4p-52, 0x1.66b9998d1dc3ap-3, -0x1.567e11f18c610p-9,
        0x1.416b5566f04fbp-14, -0x1.7580287959e75p-19, 0x1.e3103e944a396p-24,
        -0x1.4d2c851c7dd03p-28, 0x1.dfca30515a555p-33, -0x1.643eb67e0ce5ep-37,
        0x1.0eac986313081p-41, -0x1.a288711b479cbp-46, 0x1.486443c2e40a1p-50,
        -0x1.0e460754505f7p-54, 0x1.b187f9aea7328p-59,
    },
    {
        0x1.8cebc08f20ab4p2, 0x1.c3e300e845236p-54, 0x1.423b6c72f50dfp-3, -0x1.f2fa2e7c56e71p-10,
        0x1.7cd9f872886f9p-15, -0x1.687a014828ebfp-20, 0x1.7c192711d25a3p-25,
        -0x1.abbc6e6f645efp-30, 0x1.f6bcb3f08316fp-35, -0x1.30c5c63952b99p-39,
        0x1.7a3c2210b17d8p-44, -0x1.dde0cf1e566d0p-49, 0x1.32591ef226abcp-53,
        -0x1.97152870064d2p-58, 0x1.0ac5f90e1ca3ep-62,
    },
    {
        0x1.b36ad4005afadp2, -0x1.73b8792543c6cp-55, 0x1.26e784b78eecep-3, -0x1.7fd3cda535daep-10,
        0x1.ed7e5f2de69efp-16, -0x1.89d611a6dd982p-21, 0x1.5e62cf4849eb4p-26,
        -0x1.4cd97db52531fp-31, 0x1.4a5c6d6de8b20p-36, -0x1.5255f1f27e460p-41,
        0x1.62bfdc2aa1574p-46, -0x1.7ac7d1e9fa8b3p-51, 0x1.9a6f350ddfa4ap-56,
        -0x1.c9d1b12a78b2dp-61, 0x1.fb2ded6a6493cp-66,
    },
    {
        0x1.d6e4035a54eeap2, -0x1.b2f51d967c388p-52, 0x1.11780b8a8e8a9p-3, -0x1.32db0f28e35b5p-10,
        0x1.54a9592ead092p-16, -0x1.d5e1ee1c7181cp-22, 0x1.69745d52f087fp-27,
        -0x1.28ff26ea6253ep-32, 0x1.fe15503414b93p-38, -0x1.c413f698a2274p-43,
        0x1.9a46aa3c917dcp-48, -0x1.7b3d524e26d86p-53, 0x1.63c5b3d8504c5p-58,
        -0x1.5623557ff92a5p-63, 0x1.482fff0b3729dp-68,
    },
    {
        0x1.03dbe98f0710bp3, -0x1.406e1d9380f2bp-55, 0x1.f1125e8b4142ap-4, -0x1.cdfab43f4e2bap-11,
        0x1.a9876f22f01b4p-17, -0x1.e76ee054613fap-23, 0x1.3792f23b091c3p-28,
        -0x1.a9a7d77036338p-34, 0x1.2ff7f483c5cf6p-39, -0x1.c02e7deb8d1acp-45,
        0x1.5265f4361e3efp-50, -0x1.042d09f4b5d4fp-55, 0x1.964048508c455p-61,
        -0x1.4cc216d026393p-66, 0x1.09cbf8373db41p-71,
    },
    {
        0x1.214db25a63404p3, 0x1.bd76791475a71p-51, 0x1.bfb59ecf4d938p-4, -0x1.526ca08b09421p-11,
        0x1.fbdc755b2d7c9p-18, -0x1.da4d5bc82d7f4p-24, 0x1.eea88d1555768p-30,
        -0x1.13c1efd097681p-35, 0x1.4187895678397p-41, -0x1.831f2d69a7fbbp-47,
        0x1.dd777946721dfp-53, -0x1.2bf60492b14f9p-58, 0x1.7eab822de50c7p-64,
        -0x1.fa1ad194d3e58p-70, 0x1.4a4cc27080176p-75,
    },
    {
        0x1.3c1315709cdd6p3, 0x1.f85cc222139f0p-51, 0x1.9a8f9827b772dp-4, -0x1.0570e00051917p-11,
        0x1.4ae0d95cc051fp-18, -0x1.04c5359121017p-24, 0x1.cb3222c2dc500p-31,
        -0x1.b05afd38016e8p-37, 0x1.a9d20c1fdb243p-43, -0x1.b1236a0735ffcp-49,
        0x1.c366878f15c8ap-55, -0x1.df5a3a6a87266p-61, 0x1.026bfddb81739p-66,
        -0x1.1eeae78da589ep-72, 0x1.3c8a1b29bb045p-78,
    },
    {
        0x1.54c975f80f0a9p3, 0x1.81dd2fd290e05p-51, 0x1.7d4f74dd48348p-4, -0x1.a370bcd65902bp-12,
        0x1.cadddc1cc09fdp-19, -0x1.38c03a479ca95p-25, 0x1.dc6d302264ef7p-32,
        -0x1.8425ab467deafp-38, 0x1.4ad6e0708d4d5p-44, -0x1.23486330ec7c6p-50,
        0x1.06c8c9066d2f4p-56, -0x1.e335b19acc261p-63, 0x1.c31901457b242p-69,
        -0x1.afd3cf4670d60p-75, 0x1.9c845358a5418p-81,
    },
    {
        0x1.76dc048253589p3, -0x1.e68494a7b6dc5p-53, 0x1.5b298181b0983p-4, -0x1.3cfcd0843738fp-12,
        0x1.201d59ecf6e76p-19, -0x1.4676ccab544cfp-26, 0x1.9d88adb547f05p-33,
        -0x1.1838bc3bc1706p-39, 0x1.8d66dee8cf159p-46, -0x1.231f909fadf00p-52,
        0x1.b51e3f1e648a2p-59, -0x1.4e55cc6384cf0p-65, 0x1.03c841f151217p-71,
        -0x1.a796898848e6bp-78, 0x1.50fb5d8dbed71p-84,
    },
    {
        0x1.a00670acd25aep3, 0x1.43a5ab298e462p-51, 0x1.3939dab09de41p-4, -0x1.d23bdf52fe005p-13,
        0x1.59b1207770619p-20, -0x1.3fb008a1ad045p-27, 0x1.4a9aa93faaa54p-34,
        -0x1.6de1a52fb4c26p-41, 0x1.a7cd3f553e976p-48, -0x1.fb398c65de3e1p-55,
        0x1.371b76eaa3766p-61, -0x1.84f5af53387d8p-68, 0x1.edf09c8df9ef1p-75,
        -0x1.4530a2071e1a9p-81, 0x1.a6c9f263b46f4p-88,
    },
    {
        0x1.c58238d857fedp3, 0x1.89a1e16830776p-51, 0x1.1f9980e7f65c4p-4, -0x1.6939ffa1d0bb2p-13,
        0x1.c4429dc23314ep-21, -0x1.613bbe2a555b4p-28, 0x1.3496acbddfbfcp-35,
        -0x1.208cf6d478733p-42, 0x1.1a6e8a38dcf20p-49, -0x1.1dac33842df54p-56,
        0x1.282ffd7974670p-63, -0x1.390a19d430962p-70, 0x1.500ad002150b8p-77,
        -0x1.7386d7889500ap-84, 0x1.9852662407e03p-91,
    },
    {
        0x1.e825f5c427fabp3, -0x1.87f0df7b9ca2dp-53, 0x1.0b5e88f7a0f05p-4, -0x1.226c462c7b272p-13,
        0x1.3a980bbc1cad9p-21, -0x1.a9468eab1d3ffp-29, 0x1.419293e5319dap-36,
        -0x1.044bbc71f2cddp-43, 0x1.b92487f751d17p-51, -0x1.82550b5cdaff0p-58,
        0x1.5ad47256c47fcp-65, -0x1.3d6f122447c3fp-72, 0x1.27174f404b143p-79,
        -0x1.195936268cf37p-86, 0x1.0bc6d9b116d01p-93,
    },
    {
        0x1.0bfa9c17e256bp4, 0x1.75886fe6b2a6ap-50, 0x1.e7634518fb8c9p-5, -0x1.b81d368ceb4d1p-14,
        0x1.8c82a3bd08c83p-22, -0x1.bdec66bc35630p-30, 0x1.1890ec4f07256p-37,
        -0x1.79fd9ce62f8cbp-45, 0x1.0a965d6c85a34p-52, -0x1.84a8e90be4228p-60,
        0x1.22741b5978530p-67, -0x1.ba6eb845cf793p-75, 0x1.56698c664dc96p-82,
        -0x1.160da7b6fd7bfp-89, 0x1.b8dc1f3fa960ap-97,
    },
    {
        0x1.28e43c3409b76p4, -0x1.3b46eae94a52ep-50, 0x1.b835bb8ebd2bdp-5, -0x1.447cc612911bcp-14,
        0x1.dd782522e27f3p-23, -0x1.b69e132225aa8p-31, 0x1.c2eb963ca6fdcp-39,
        -0x1.f0605e72da4d7p-47, 0x1.1e134fd16a20dp-54, -0x1.54d89d57f8d7bp-62,
        0x1.a05de33dbf3bdp-70, -0x1.0342fe90422e6p-77, 0x1.4806a1c6c8f42p-85,
        -0x1.ae5aee39a228bp-93, 0x1.16d7bb7cf52eep-100,
    },
    {
        0x1.433de89724febp4, -0x1.15f1f42810a35p-52, 0x1.94817b6c3b5c8p-5, -0x1.f7bfc5e0cc5c7p-15,
        0x1.392b54b429aa3p-23, -0x1.e643328659d6cp-32, 0x1.a687b6b3a2bc8p-40,
        -0x1.892bdfcbd261cp-48, 0x1.7f1cbdba49361p-56, -0x1.81e673fa511eep-64,
        0x1.8e8db5a19ede6p-72, -0x1.a3b2af9396724p-80, 0x1.c0fe3781133dfp-88,
        -0x1.eebe50b1a241cp-96, 0x1.0f08c940e4747p-103,
    },
    {
        0x1.5b9bfc3388e20p4, 0x1.f1e6a105a56fcp-51, 0x1.7845ed1144879p-5, -0x1.9597be9377b5ap-15,
        0x1.b49748a94bbc8p-24, -0x1.257b3d36b18c3p-32, 0x1.b9a6deec3956cp-41,
        -0x1.63e3ecd0b84e0p-49, 0x1.2c53ff1ffccacp-57, -0x1.05ffd7ab4b9a9p-65,
        0x1.d4b8882a0d70ap-74, -0x1.ab88ea7886902p-82, 0x1.8c29ff0c8df00p-90,
        -0x1.7888dbd17c922p-98, 0x1.6554c097bbd62p-106,
    },
    {
        0x1.7d43342baad9fp4, -0x1.8cf1337557b14p-50, 0x1.572e8d84352ebp-5, -0x1.33d37bc77914ep-15,
        0x1.13cb2f331bc58p-24, -0x1.34a7c284d8a06p-33, 0x1.82b1ec8123c9dp-42,
        -0x1.036fe9524ec25p-50, 0x1.6c9505363fd9dp-59, -0x1.08d5d6734aa8fp-67,
        0x1.8a8882d8f3ec4p-76, -0x1.2b8dd9b83b819p-84, 0x1.ce4d4aea6a3c0p-93,
        -0x1.7648fcc7b6611p-101, 0x1.27ecdc5c7d649p-109,
    },
    {
        0x1.a5fdf7ee373a1p4, -0x1.ab73701aa871dp-52, 0x1.36288c752e962p-5, -0x1.c69f71230a5edp-16,
        0x1.4cdf56c0734e7p-25, -0x1.307cb7c086d44p-34, 0x1.37d1e3b9e4869p-43,
        -0x1.56083332790f5p-52, 0x1.88efed6a092f6p-61, -0x1.d2b57391e207bp-70,
        0x1.1c3833b972b97p-78, -0x1.60f75406bbebbp-87, 0x1.bd657598c594fp-96,
        -0x1.23651fe405213p-104, 0x1.78b170b97ecdcp-113,
    },
    {
        0x1.cb21cd38b5b78p4, 0x1.e4e6a85146132p-51, 0x1.1d21e25923535p-5, -0x1.614b24369eb35p-16,
        0x1.b565e92328890p-26, -0x1.524a75134f388p-35, 0x1.24efcb7338e62p-44,
        -0x1.0fb5d1acfab24p-53, 0x1.07f755458803ap-62, -0x1.09231df47a323p-71,
        0x1.111961b21686ep-80, -0x1.1edb6171d4b97p-89, 0x1.322274b32b554p-98,
        -0x1.5084e860fbbdfp-107, 0x1.6fe2fad307f9ap-116,
    },
    {
        0x1.ed7db1d228a0cp4, 0x1.c295da5425d45p-50, 0x1.0952c2a487e58p-5, -0x1.1cb4007a9cef0p-16,
        0x1.31495449aa6e7p-26, -0x1.99070b7992d7ap-36, 0x1.32cd24bcea372p-45,
        -0x1.ed0290c4a5823p-55, 0x1.9ee72867fe47cp-64, -0x1.69045cc41d7f8p-73,
        0x1.4223ede2dae02p-82, -0x1.2525a193c2664p-91, 0x1.0f07690196488p-100,
        -0x1.0108823a91b8cp-109, 0x1.e6d7412dae50ap-119,
    },
    {
        0x1.0e7af6b0eb328p5, 0x1.84a6feda29c07p-50, 0x1.e42abdf975c38p-6, -0x1.b094bb61201cfp-17,
        0x1.824483a2f8ab5p-27, -0x1.aefdde4952103p-37, 0x1.0d3bfb6909bbfp-46,
        -0x1.6854d5842f662p-56, 0x1.f92324c295245p-66, -0x1.6e1764ef0738fp-75,
        0x1.101757bba4665p-84, -0x1.9c500711aa4d0p-94, 0x1.3d857ae812360p-103,
        -0x1.0089cff227b10p-112, 0x1.94e762d0c29f4p-122,
    },
    {
        0x1.2b37814f28624p5, -0x1.3dec6fffb3ec3p-49, 0x1.b5bcdf184b8aap-6, -0x1.3fbcadc570f3dp-17,
        0x1.d2dec4027a882p-28, -0x1.a9f29b3c9345ep-38, 0x1.b32860774a1b3p-48,
        -0x1.dc3f3e6288244p-58, 0x1.10fbab22e4739p-67, -0x1.43946a5e06abdp-77,
        0x1.895a2117ef716p-87, -0x1.e797e8e838cfap-97, 0x1.33179a53aa4c1p-106,
        -0x1.911a59c310fb8p-116, 0x1.02d40e3b07e44p-125,
    },
    {
        0x1.456dcc5dc71f5p5, -0x1.52f0c0c9a97ccp-50, 0x1.92862317be628p-6, -0x1.f1487c415745dp-18,
        0x1.330d440edec28p-28, -0x1.d9dda895bb013p-39, 0x1.99761a5d416fbp-49,
        -0x1.7b0835c657319p-59, 0x1.6f883a02349f6p-69, -0x1.707f30be649fep-79,
        0x1.7ae84b379d320p-89, -0x1.8d55e79478e18p-99, 0x1.a75c20b5e21dbp-109,
        -0x1.d0a3421bbb34fp-119, 0x1.fb302d57a6270p-129,
    },
    {
        0x1.5daf0f2db7726p5, 0x1.af5668b1149d3p-54, 0x1.76a2581c56c34p-6, -0x1.90f217b031b38p-18,
        0x1.acf4c24d8dddcp-29, -0x1.1ec4762ce88b6p-39, 0x1.ad5e64fa6931dp-50,
        -0x1.585c77c4f4354p-60, 0x1.214ede144e0d7p-70, -0x1.f6a50f2f068c7p-81,
        0x1.bfd0460f62466p-91, -0x1.96e50b5ebfc79p-101, 0x1.77a58619e76b2p-111,
        -0x1.63bc11109f952p-121, 0x1.506f388a7bc81p-131,
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
